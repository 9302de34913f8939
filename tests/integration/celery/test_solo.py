"""Workers with ``--pool solo`` on RabbitMQ, where functions run in the main thread.

While one runs, RabbitMQ gives its worker messages of which that says nothing.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from tests.integration.brokers import RabbitMQ, Redis
from tests.integration.deployment import Setting, Worker, working
from tests.integration.page import TIMEOUT, Job, Page
from tests.integration.servers import serving
from tests.promises import promised
from tests.waiting import until

LEASE = 1.0


class Site:
    """A web server, whose workers a test starts."""

    def __init__(self, setting: Setting, folder: Path, stack: ExitStack) -> None:
        (folder / "web").mkdir()
        self._setting = setting
        self._folder = folder
        self._stack = stack
        self.page: Page = stack.enter_context(
            serving(setting.web(), folder / "web")
        ).page()

    def work(self, name: str) -> Worker:
        command = self._setting.worker("-P", "solo", "-n", f"{name}@test")
        return self._stack.enter_context(working(command, self._folder / name))

    def hold(self) -> Job:
        """Start a job that keeps the worker busy."""
        held = self._folder / "held"
        job = self.page.start("hold", str(held))
        until(held.exists, TIMEOUT, poll=0.01)
        return job

    def release(self) -> None:
        (self._folder / "held.go").touch()


@pytest.fixture
def site(
    request: pytest.FixtureRequest, rabbitmq: RabbitMQ, redis: Redis, tmp_path: Path
) -> Iterator[Site]:
    setting = Setting.celery(
        rabbitmq.virtual_host(),
        redis.database(),
        LEASE,
        # Another deployment may have left messages in the default one.
        task_default_queue=f"queue-{uuid4().hex}",
        **getattr(request, "param", {}),
    )
    with ExitStack() as stack:
        yield Site(setting, tmp_path, stack)


def test_jobs_end_as_in_any_pool_without_processes(site: Site, tmp_path: Path) -> None:
    site.work("one")
    page = site.page
    job = page.start("busy", str(tmp_path / "busy"))
    until((tmp_path / "busy").exists, TIMEOUT)
    with promised("2 s"):
        page.cancel(job)
        page.wait_for("cancelled", job)
    with promised("timeout + 2 s", timeout=1.0):
        assert page.run("brief-busy", str(tmp_path / "busy")).status == "timed_out"
    assert page.run("echo", 1).result == 1


def test_job_that_a_busy_worker_hides_runs_on_a_free_one(site: Site) -> None:
    site.work("one")
    held = site.hold()
    site.work("two")
    # RabbitMQ gives one to each worker, and so with all messages that follow.
    for number in range(2):
        assert site.page.run("echo", number).result == number
    site.page.poll(held)
    assert held.status == "running"
    site.release()
    site.page.wait_for("succeeded", held)
    assert site.page.run("echo", 3).result == 3


def test_worker_that_stops_gives_back_what_it_hides(site: Site) -> None:
    one = site.work("one")
    held = site.hold()
    hidden = [site.page.start("echo", number) for number in range(3)]
    one.main().send_signal(signal.SIGTERM)
    until(lambda: "Warm shutdown" in one.log, TIMEOUT)
    site.release()
    site.page.wait_for("succeeded", held)
    site.work("two")
    site.page.wait_for("succeeded", *hidden)
    assert [job.result for job in hidden] == [0, 1, 2]


@pytest.mark.parametrize("site", [{"broker_heartbeat": 2}], indirect=True)
def test_job_outlives_the_connection_to_the_broker(
    site: Site, rabbitmq: RabbitMQ
) -> None:
    def closed() -> int:
        return rabbitmq.log.count("missed heartbeats from client")

    one = site.work("one")
    before = closed()
    held = site.hold()
    hidden = site.page.start("echo", 1)
    until(lambda: closed() > before, TIMEOUT)
    site.release()
    site.page.wait_for("succeeded", held, hidden)
    assert site.page.run("echo", 2).result == 2
    # RabbitMQ delivers it again, and it does not run.
    assert one.log.count("of tasks_app.hold has started") == 1
