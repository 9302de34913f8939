"""Tests of ``dash_long_components.managers.diskcache.worker.worker``."""

from __future__ import annotations

import subprocess
import sys


def test_job_prints_nowhere_where_the_server_has_no_output() -> None:
    code = (
        "import sys\n"
        "from dash_long_components.managers.diskcache.worker import worker\n"
        # As it is in a process whose descriptor 1 was closed at its start.
        "sys.stdout = None\n"
        "worker.enter()\n"
        "print('text', flush=True)\n"
        "sys.stderr.write('done')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert run.stderr == "done"
