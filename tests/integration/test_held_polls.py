"""Servers that hold polls, as users start them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

import pytest

from tests import backends
from tests.integration.brokers import Redis
from tests.integration.deployment import Deployment, Setting, deployed
from tests.integration.page import TIMEOUT, Job, Page
from tests.integration.servers import serving
from tests.promises import promised
from tests.waiting import until

#: As long as a page asks for.
HOLD = 25_000


@pytest.fixture(scope="module", params=["fastapi", "quart", "fastapi on Celery"])
def deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    backend, *celery = request.param.split(" on ")
    if reason := backends.missing(backend):
        pytest.skip(reason)
    setting = Setting({"max_concurrency": 2}, backend)
    if celery:
        redis: Redis = request.getfixturevalue("redis")
        url = redis.database()
        setting = Setting(Setting.celery(url, url).manager, backend)
    with deployed(setting, tmp_path_factory.mktemp(backend)) as deployment:
        yield deployment


@pytest.fixture
def page(deployment: Deployment) -> Page:
    return deployment.page()


class HeldPoll:
    """A poll that the server holds, in a thread."""

    def __init__(self, page: Page, *jobs: Job) -> None:
        self.error: BaseException | None = None
        self._page = page
        self._jobs = jobs
        self._thread = threading.Thread(target=self._poll)
        self._thread.start()

    def _poll(self) -> None:
        try:
            self._page.poll(*self._jobs, hold=HOLD)
        except Exception as error:
            self.error = error

    @property
    def is_held(self) -> bool:
        return self._thread.is_alive()

    def wait(self) -> None:
        self._thread.join(TIMEOUT)
        assert not self.is_held


def running(page: Page, path: Path) -> Job:
    """Start a job that waits for a file."""
    job = page.start("hold", str(path))
    page.wait_for("running", job)
    # Its other reports, if any, have been read.
    until(lambda: page.poll(job) >= 500, TIMEOUT)
    return job


def test_held_poll_is_answered_with_the_end(page: Page, tmp_path: Path) -> None:
    job = running(page, tmp_path / "job")
    poll = HeldPoll(page, job)
    assert page.run("echo", 1).result == 1
    # The ends of other jobs are no news.
    assert poll.is_held
    (tmp_path / "job.go").touch()
    poll.wait()
    assert poll.error is None
    assert job.status == "succeeded"
    other = running(page, tmp_path / "other")
    poll = HeldPoll(page, other)
    page.cancel(other)
    poll.wait()
    page.wait_for("cancelled", other)


def test_server_that_stops_ends_held_polls(
    deployment: Deployment, page: Page, tmp_path: Path
) -> None:
    job = running(page, tmp_path / "job")
    poll = HeldPoll(page, job)
    page.run("echo", 1)
    assert poll.is_held
    with promised("2 s"):
        deployment.web.terminate()
        poll.wait()
    assert poll.error is None
    deployment.web.start()
    (tmp_path / "job.go").touch()
    page.wait_for("succeeded", job)


def test_jobs_go_on_while_uvicorn_replaces_its_workers(tmp_path: Path) -> None:
    if reason := backends.missing("fastapi"):
        pytest.skip(reason)
    command = [*Setting({"max_concurrency": 2}, "fastapi").web(), "--workers", "2"]
    with serving([*command, "--limit-max-requests", "100"], tmp_path) as server:
        page = server.page()
        job = running(page, tmp_path / "job")

        def poll() -> bool:
            # A page tries again, too, if a worker stops under its request.
            with suppress(OSError, HTTPException):
                page.poll(job)
            return job.has_ended

        def are_replaced() -> bool:
            poll()
            return server.log.count("Maximum request limit of 100 exceeded") >= 2

        until(are_replaced, TIMEOUT, poll=0.01)
        (tmp_path / "job.go").touch()
        until(poll, TIMEOUT, poll=0.1)
        assert job.status == "succeeded"


#: uvicorn stops in the same way at its limit of requests.
IN_THREAD = """
import pathlib, sys, threading, time, uvicorn
from tasks_app import server
served = uvicorn.Server(uvicorn.Config(server, port=int(sys.argv[1])))
thread = threading.Thread(target=served.run)
thread.start()
while not pathlib.Path("stop").exists():
    time.sleep(0.01)
served.should_exit = True
thread.join()
"""


@pytest.mark.parametrize("how", ["in a thread", "of a parent process"])
def test_server_that_gets_no_signal_ends_held_polls(how: str, tmp_path: Path) -> None:
    backend = "fastapi" if how == "in a thread" else "quart"
    if reason := backends.missing(backend):
        pytest.skip(reason)
    command = [*Setting({"max_concurrency": 2}, backend).web(), "--workers", "2"]
    if how == "in a thread":
        program = [sys.executable, "-c", IN_THREAD, "{port}"]
        command = [*command[: command.index(sys.executable)], *program]
    with serving(command, tmp_path) as server:
        page = server.page()
        job = running(page, tmp_path / "job")
        poll = HeldPoll(page, job)
        page.run("echo", 1)
        assert poll.is_held
        with promised("2 s"):
            server.file("stop").touch()
            if how != "in a thread":
                server.terminate()
            poll.wait()
        assert poll.error is None
        (tmp_path / "job.go").touch()
