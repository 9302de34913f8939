"""The first job of a process that was forked in advance."""

from __future__ import annotations

import subprocess
import sys

from dash import Input, Output

from dash_long_components.core.calls import Call
from dash_long_components.core.status import Status
from dash_long_components.running import runtime
from tests.conftest import ROOT
from tests.unit.fakes import JOB, Site, ignore, out, prop


def double(value: int) -> int:
    return 2 * value


def make_site() -> Site:
    site = Site()
    site.long_callback(Output("text", "children"), Input("i", "value"))(double)
    return site


def test_first_job_of_a_worker_imports_nothing() -> None:
    site = make_site()
    call = site.submit(out("text", "children"), [prop("i", "value", 1)]).call
    # The trigger has imported in this process what the job needs.
    code = f"from {__name__} import run_first_job; run_first_job()"
    command = [sys.executable, "-c", code]
    subprocess.run(command, input=call.to_json(), cwd=ROOT, check=True)


def run_first_job() -> None:
    make_site()
    call = Call.from_json(sys.stdin.buffer.read())
    task = runtime.find(call, "double")
    runtime.get_ready()
    before = {*sys.modules}
    assert runtime.run(task, call, JOB, ignore).status is Status.SUCCEEDED
    imported = {*sys.modules} - before
    assert not imported, imported
