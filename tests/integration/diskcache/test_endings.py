"""The ends of jobs on one machine."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.integration.conftest import Serve
from tests.integration.page import TIMEOUT, Page
from tests.integration.servers import Server, command, gunicorn, is_alive, until_gone
from tests.promises import promised
from tests.waiting import until

_names = (f"job-{number}" for number in itertools.count())


@pytest.mark.parametrize("signal", ["SIGSEGV", "40"])  # the latter has no name
def test_death_by_any_signal_is_told_and_costs_no_dispatcher(
    server: Server, page: Page, signal: str
) -> None:
    page.run("echo")
    dispatcher = server.dispatcher()
    job = page.run("end", signal)
    assert job.status == "lost"
    assert signal in job.error["message"]
    assert server.dispatcher() == dispatcher
    assert page.run("echo", 1).result == 1


def test_page_that_is_up_to_date_is_told_nothing(page: Page) -> None:
    job = page.run("echo")
    count = len(job.snapshots)
    page.poll(job)
    assert len(job.snapshots) == count


@pytest.mark.parametrize("then", ["return", "die"])
def test_programs_that_a_job_left_running_end_with_it(
    server: Server, page: Page, then: str
) -> None:
    name = next(_names)
    job = page.start("family", {"name": name, "then": then})
    pids = server.wait_for_file(name)
    with promised("2 s"):
        page.wait_for_end(job)
        until_gone(lambda: filter(is_alive, pids))
    assert job.status == ("succeeded" if then == "return" else "lost")


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


@pytest.mark.alone
@pytest.mark.parametrize(
    "how", [command("crashing_app.py"), gunicorn(4)], ids=["python", "gunicorn"]
)
def test_app_that_no_dispatcher_can_import_ends_its_jobs(
    serve: Serve, how: list[str], tmp_path: Path
) -> None:
    (tmp_path / "crash").touch()
    server = serve(how, tmp_path)
    with promised("3 × start + 2 s", start=server.start_time):
        job = server.page().run("echo")
    assert job.status == "lost"
    assert job.error["type"] == "NoDispatcher"


@pytest.mark.parametrize("how", ["limit files", "limit files for good"])
def test_job_that_limits_the_size_of_files_ends(
    server: Server, page: Page, how: str
) -> None:
    with promised("2 s"):
        job = page.run("end", how)
    # A limit that any process may lift is no obstacle.
    if how == "limit files":
        assert job.result == "done"
    else:
        assert job.status == "failed", job.snapshots
        assert "RLIMIT_FSIZE" in job.error["message"]


def test_job_that_closes_all_descriptors_ends_in_time(
    server: Server, page: Page
) -> None:
    for how in ("close descriptors", "report and close descriptors"):
        with promised("2 s"):
            job = page.run("end", how)
        assert job.result == "done", job.snapshots


def test_process_that_a_job_forks_does_not_end_it(server: Server, page: Page) -> None:
    for how in ("return in a fork", "raise in a fork"):
        job = page.run("end", how)
        assert job.result == "parent", job.snapshots


def test_worker_that_is_stopped_before_it_registers_times_out(serve: Serve) -> None:
    server = serve(command())
    server.wait_until_ready()
    page = server.page()
    (spare,) = server.dispatcher().children()
    spare.suspend()
    with promised("timeout + 2 s", timeout=2.0):
        job = page.start("brief", {"name": "family", "then": "wait"})
        page.wait_for("timed_out", job)
        until_gone(lambda: filter(is_alive, [spare.pid]))
    assert page.run("echo", 1).result == 1
