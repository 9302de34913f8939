"""The code of the app changes while its jobs run or wait."""

from __future__ import annotations

import shutil
import sys
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.integration.conftest import Serve
from tests.integration.page import TIMEOUT
from tests.integration.servers import (
    APPS,
    Server,
    command,
    until_gone,
    with_settings,
)
from tests.promises import promised
from tests.waiting import until, until_equal


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The file of an app that a test may change."""
    script = tmp_path / "changing_app.py"
    shutil.copy(APPS / "tasks_app.py", script)
    return script


def python(script: Path, *environment: str, **settings: object) -> list[str]:
    # A text of the same size in the same second would run as compiled before.
    environment = ("PYTHONDONTWRITEBYTECODE=1", *environment)
    return [
        "env",
        *environment,
        *with_settings([sys.executable, str(script)], **settings),
    ]


def test_reload_runs_new_code_and_old_code_ends_its_jobs(
    serve: Serve, script: Path
) -> None:
    server = serve(python(script, "DEBUG=1"), script.parent)
    page = server.page()
    assert page.run("version").result == 1
    held = page.start("hold", "held")
    server.wait_for_file("held")
    script.write_text(script.read_text().replace("VERSION = 1", "VERSION = 2"))
    until(lambda: runs_version(server, 2), TIMEOUT)
    server.release("held")
    page.wait_for("succeeded", held)
    until(lambda: len(server.dispatchers()) == 1, TIMEOUT)
    assert page.run("version").result == 2


@pytest.mark.alone
def test_code_that_changed_under_a_running_server_fails_the_job(
    serve: Serve, script: Path
) -> None:
    server = serve(python(script), script.parent)
    page = server.page()
    assert page.run("version").result == 1
    changed = script.read_text().replace("return VERSION", "return -VERSION")
    script.write_text(changed)
    # The next dispatcher imports other code than the server has.
    with promised("start + 2 s", start=server.start_time):
        server.dispatcher().kill()
        until_gone(server.dispatchers)
        job = page.run("version")
    assert job.status == "failed", job.snapshots
    assert job.error["type"] == "CodeChangedError"
    assert "Restart the server" in job.error["message"]
    assert page.run("echo", 1).result == 1


def runs_version(server: Server, version: int) -> bool:
    try:
        return bool(server.page().run("version").result == version)
    except (OSError, HTTPException):  # between two servers
        return False


def test_queue_of_old_code_ends_when_no_process_can_run_it(
    serve: Serve, script: Path
) -> None:
    first = serve(python(script, max_concurrency=1), script.parent)
    page = first.page()
    running = page.start("hold", "held")
    first.wait_for_file("held")
    waiting = page.start("echo", 1)
    dispatcher = first.dispatcher()
    first.kill()
    dispatcher.kill()
    script.write_text(script.read_text().replace("VERSION = 1", "VERSION = 2"))
    second = serve(python(script, max_concurrency=1), script.parent, port=first.port)
    with promised("start + 10 s", start=second.start_time):
        page.wait_for("lost", waiting)
    assert "The code of the app has changed" in waiting.error["message"]
    # A worker runs the old code to its end.
    second.release("held")
    page.wait_for("succeeded", running)


def test_imports_in_callbacks_leave_processes_one_version(serve: Serve) -> None:
    servers = [serve(command(cache_by="by"))]
    servers.append(serve(command(cache_by="by"), servers[0].folder))
    first, second = (server.page() for server in servers)
    assert first.call("late", "package.tasks").status == 200
    name = str(servers[0].file("tally"))
    question = {"name": name, "how": "hold", "result": "result"}
    jobs = [page.start("tally", question) for page in (first, second)]
    until(lambda: servers[0].file("tally.runs").exists(), TIMEOUT, poll=0.01)

    def dispatchers() -> int:
        return sum(len(server.dispatchers()) for server in servers)

    # If both servers start one, the second finds the first and goes.
    until_equal(dispatchers, 1, TIMEOUT)
    servers[0].release("tally")
    for page, job in zip((first, second), jobs, strict=True):
        page.wait_for("succeeded", job)
    assert len(servers[0].file("tally.runs").read_text().splitlines()) == 1
