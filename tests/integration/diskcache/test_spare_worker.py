"""A spare worker waits for the next job."""

from __future__ import annotations

import psutil
import pytest

from tests.integration.conftest import Serve
from tests.integration.page import TIMEOUT, Page
from tests.integration.servers import Server, command, is_alive, until_gone
from tests.waiting import until


def spare(server: Server, *jobs: int) -> psutil.Process:
    """Return the worker that has no job yet, which is none of ``jobs``."""
    found: list[psutil.Process] = []

    def is_there() -> bool:
        found[:] = [p for p in server.dispatcher().children() if p.pid not in jobs]
        return len(found) == 1

    until(is_there, TIMEOUT, poll=0.01)
    return found[0]


def run(page: Page) -> int:
    """Run a job and return its pid."""
    pid: int = page.run("ask").result["pid"]
    return pid


def kill(process: psutil.Process) -> None:
    process.kill()
    until_gone(lambda: filter(is_alive, [process.pid]))


def test_job_runs_in_the_spare_worker(serve: Serve) -> None:
    server = serve(command())
    page = server.page()
    first = run(page)
    waiting = spare(server, first).pid
    second = run(page)
    assert second == waiting
    # Every job has a process of its own.
    assert spare(server, first, second).pid not in (first, second)


def test_spare_worker_that_died_costs_no_job(serve: Serve) -> None:
    server = serve(command())
    page = server.page()
    jobs = [run(page)]
    for _ in range(3):
        kill(spare(server, *jobs))
        jobs.append(run(page))
    assert len(set(jobs)) == 4


def test_spare_worker_ends_with_its_dispatcher(serve: Serve) -> None:
    server = serve(command())
    waiting = spare(server, run(server.page()))
    server.dispatcher().kill()
    until_gone(lambda: filter(is_alive, [waiting.pid]))


@pytest.mark.parametrize("how", ["terminate", "damage the store"])
def test_dispatcher_that_ends_takes_its_spare_worker_with_it(
    serve: Serve, how: str
) -> None:
    server = serve(command())
    waiting = spare(server, run(server.page()))
    dispatcher = server.dispatcher()
    if how == "terminate":
        dispatcher.terminate()
    else:
        for path in (server.file("cache") / "long-jobs").glob("*.db*"):
            with path.open("r+b") as file:
                file.write(b"damaged!" * (path.stat().st_size // 8))
    until_gone(lambda: filter(is_alive, [waiting.pid, dispatcher.pid]))


def test_job_waits_for_no_import(serve: Serve) -> None:
    page = serve(command()).page()
    assert page.run("imports").result == []
