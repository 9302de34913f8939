"""Servers that hold polls, as users start them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import backends
from tests.integration.brokers import Redis
from tests.integration.deployment import Deployment, Setting, deployed
from tests.integration.page import TIMEOUT, Job, Page
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
