"""Every job ends in one terminal status, and says why."""

from __future__ import annotations

import itertools
import json

import pytest
from dash.testing.wait import until

from tests.integration.conftest import Serve
from tests.integration.page import TIMEOUT, Page
from tests.integration.servers import Server, command, is_alive, until_gone

_names = (f"job-{number}" for number in itertools.count())


@pytest.mark.parametrize(
    "value", [None, 0, "", [], False, {"a": [1.5, None]}, "ä\ud83d"]
)
def test_what_it_returns_is_the_result(page: Page, value: object) -> None:
    job = page.run("echo", value)
    assert job.status == "succeeded"
    assert job.result == value


def test_every_status_and_the_last_progress_are_seen(page: Page) -> None:
    job = page.run("count", 20_000)
    assert job.status == "succeeded"
    assert job.result == 20_000
    cursors = [snapshot["cursor"] for snapshot in job.snapshots]
    assert cursors == sorted(set(cursors))
    progress = [s["progress"] for s in job.snapshots if "progress" in s]
    assert progress[-1] == [["count", "title", 20_000]]
    # 20,000 calls are a few writes: each is a step of the cursor.
    assert job.cursor < 40


@pytest.mark.parametrize(
    ("how", "status", "kind", "reason"),
    [
        ("raise", "failed", "KeyError", "'the missing key'"),
        ("sys.exit", "failed", "SystemExit", "sys.exit(3)"),
        ("unserialisable", "failed", "InvalidCallback", "not JSON serializable"),
        ("os._exit", "lost", "WorkerDied", "exited with code 4"),
        ("SIGKILL", "lost", "WorkerDied", "SIGKILL"),
        ("SIGSEGV", "lost", "WorkerDied", "SIGSEGV"),
    ],
)
def test_bad_ends_say_why(
    server: Server, page: Page, how: str, status: str, kind: str, reason: str
) -> None:
    dispatcher = server.dispatcher()
    before = len(server.log)
    job = page.run("end", how)
    assert job.status == status
    assert job.error["type"].startswith(kind)
    assert reason in job.error["message"]
    assert job.error["task"].endswith(".end")
    assert "traceback" not in job.error
    assert "result" not in job.snapshots[-1]
    assert page.run("echo", 1).result == 1
    assert server.dispatcher() == dispatcher
    until(lambda: reason in server.log[before:], TIMEOUT)
    assert job.error["task"] in server.log[before:]


def test_death_by_a_signal_without_a_name_is_told_like_any_other(
    server: Server, page: Page
) -> None:
    page.run("echo")
    dispatcher = server.dispatcher()
    job = page.run("end", "40")
    assert job.status == "lost"
    assert "40" in job.error["message"]
    assert server.dispatcher() == dispatcher


def test_exception_is_in_the_log_with_the_name_of_its_task(
    server: Server, page: Page
) -> None:
    before = len(server.log)
    page.run("end", "raise")
    log = server.log[before:]
    assert "end failed" in log
    assert "Traceback (most recent call last)" in log
    assert "KeyError: 'the missing key'" in log


def test_nothing_of_a_bad_end_is_shown_but_its_type_and_message(
    server: Server, page: Page
) -> None:
    job = page.run("end", "raise")
    assert set(job.error) == {"type", "message", "task"}
    assert "tasks_app.py" not in json.dumps(job.snapshots)


def test_reading_deletes_nothing(server: Server, page: Page) -> None:
    job = page.run("echo", "again")
    for _ in range(3):
        other = page.__class__(server.url)
        copy = type(job)(job.handle)
        other.poll(copy)
        assert copy.snapshots[-1] == job.snapshots[-1]


def test_page_that_is_up_to_date_is_told_nothing(page: Page) -> None:
    job = page.run("echo")
    count = len(job.snapshots)
    page.poll(job)
    assert len(job.snapshots) == count


@pytest.mark.parametrize("then", ["return", "die"])
def test_whatever_a_job_left_running_goes_with_it(
    server: Server, page: Page, then: str
) -> None:
    name = next(_names)
    job = page.start("family", {"name": name, "then": then})
    pids = server.wait_for_file(name)
    page.wait_for_end(job)
    assert job.status == ("succeeded" if then == "return" else "lost")
    until_gone(lambda: filter(is_alive, pids))


def test_debug_mode_sends_the_traceback(serve: Serve) -> None:
    page = serve(["env", "DEBUG=1", *command()]).page()
    job = page.run("end", "raise")
    assert "Traceback (most recent call last)" in job.error["traceback"]
    assert "KeyError" in job.error["traceback"]


def test_dispatcher_may_die_any_number_of_times(serve: Serve) -> None:
    server = serve(command())
    page = server.page()
    for number in range(5):
        job = page.run("echo", number)
        assert job.status == "succeeded", job.snapshots
        dispatcher = server.dispatcher()
        dispatcher.kill()
        until(lambda pid=dispatcher.pid: not is_alive(pid), TIMEOUT)


def test_app_that_no_dispatcher_can_import_ends_its_jobs(serve: Serve) -> None:
    page = serve(command("crashing_app.py")).page()
    job = page.run("echo")
    assert job.status == "lost"
    assert job.error["type"] == "NoDispatcher"
