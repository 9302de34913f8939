"""A job whose message is lost is sent again; one that only waits is not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis as client

from tests.integration import brokers
from tests.integration.brokers import Redis
from tests.integration.deployment import Setting, Worker, working
from tests.integration.page import TIMEOUT, Page
from tests.integration.servers import Server, is_alive, serving
from tests.ports import free_port
from tests.promises import promised
from tests.waiting import until

#: Seconds of a lease.
LEASE = 1.0

#: Seconds of one where a worker dies: two leases go by before that is noticed, and what
#: comes then takes longer beside other tests.
DEATH_LEASE = 2.0


class Site:
    """A web server on Redis, whose workers a test starts and whose queue it robs."""

    def __init__(self, setting: Setting, folder: Path, web: Server) -> None:
        self._setting = setting
        self._folder = folder
        self.web = web
        self._servers: list[Server] = [web]
        conf = setting.manager["celery"]
        self.broker = client.Redis.from_url(conf["broker_url"])
        self.backend = client.Redis.from_url(conf["result_backend"])

    def page(self) -> Page:
        return self.web.page()

    def worker(self, stack: ExitStack, *options: str, name: str = "worker") -> Worker:
        command = self._setting.worker("-c", "1", "-n", f"{name}@test", *options)
        worker = stack.enter_context(working(command, self._folder / name))
        self._servers.append(worker)
        return worker

    def messages(self, queue: str = "celery") -> list[bytes]:
        """Return the messages of jobs in a queue; those of probes do not count."""
        found: Any = self.broker.lrange(queue, 0, -1)
        return [text for text in found if b"dash_long_components.probe" not in text]

    def probes(self, queue: str = "celery") -> int:
        return int(self.broker.llen(queue)) - len(self.messages(queue))

    def rob(self, queue: str = "celery") -> None:
        """Remove the messages of jobs from a queue, once there are any."""
        for text in until(lambda: self.messages(queue), TIMEOUT, poll=0.01):
            self.broker.lrem(queue, 0, text)

    def last_probe(self, which: str = "passed") -> int:
        """Return the number of the last probe of any task that has arrived.

        Or of the last one that was ``sent``.
        """
        keys: Any = self.backend.keys("*dash-long-jobs.probes.*")
        texts: Any = [self.backend.get(key) for key in keys]
        return max((json.loads(text)[which] for text in texts), default=0)

    def stop_while_it_waits(self, worker: Worker) -> None:
        """Stop a worker to which Redis hands the next message."""
        database = str(self.broker.connection_pool.connection_kwargs["db"])

        def is_waiting() -> bool:
            clients: Any = self.broker.client_list()
            return any(it["db"] == database and "b" in it["flags"] for it in clients)

        until(is_waiting, TIMEOUT, poll=0.01)
        worker.main().suspend()

    def sent_again(self) -> int:
        """Return how many messages the server and its workers have found missing."""
        return sum(server.log.count("is sent again") for server in self._servers)

    def hide_from_workers(self) -> None:
        """Take all jobs off the list in which workers look for those that wait."""
        keys: Any = self.backend.keys("*dash-long-jobs.list.*")
        self.backend.delete(*keys)

    def close(self) -> None:
        self.broker.close()
        self.backend.close()


Open = Callable[..., Site]


@pytest.fixture
def open_site(redis: Redis, tmp_path: Path) -> Iterator[Open]:
    with ExitStack() as stack:

        def open_site(
            broker: str | None = None, lease: float = LEASE, **conf: Any
        ) -> Site:
            url = broker or redis.database()
            setting = Setting.celery(url, redis.database(), lease, **conf)
            (tmp_path / "web").mkdir()
            web = stack.enter_context(
                serving(setting.web(), tmp_path / "web", free_port())
            )
            site = Site(setting, tmp_path, web)
            stack.callback(site.close)
            return site

        yield open_site


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_job_whose_message_is_lost_is_sent_again(
    open_site: Open, stack: ExitStack
) -> None:
    site = open_site()
    page = site.page()
    job = page.start("echo", "found")
    site.rob()
    # No later job, and an idle worker: only the queue can tell.
    site.worker(stack)
    with promised("3 × lease", lease=LEASE):
        page.wait_for("succeeded", job)
    assert job.result == "found"
    assert site.sent_again() == 1


def test_job_without_a_page_whose_message_is_lost_is_sent_again(
    open_site: Open, stack: ExitStack, tmp_path: Path
) -> None:
    """No one reads the job, as one that cron has started."""
    site = open_site()
    name = tmp_path / "held"
    site.page().start("hold", str(name))
    site.rob()
    site.worker(stack)
    with promised("3 × lease", lease=LEASE):
        until(name.exists, TIMEOUT, poll=0.01)
    (tmp_path / "held.go").touch()


def test_next_attempt_runs_though_no_page_polls_for_the_job(
    open_site: Open, stack: ExitStack, tmp_path: Path
) -> None:
    site = open_site(lease=DEATH_LEASE)
    ledger = tmp_path / "ledger"
    worker = site.worker(stack)
    # Its step takes longer than the test.
    value = {"job": 0, "ledger": str(ledger), "steps": 1, "seconds": 3600}
    site.page().start("chaos", value)

    def pids() -> list[int]:
        lines = ledger.read_text().splitlines() if ledger.exists() else []
        return [int(parts[2]) for line in lines if len(parts := line.split()) == 3]

    until(pids, TIMEOUT, poll=0.01)
    site.worker(stack, name="next")
    with promised("4 × lease", lease=DEATH_LEASE):
        worker.main().kill()
        until(lambda: len(pids()) == 2, TIMEOUT, poll=0.01)
    assert not is_alive(pids()[0]), "two attempts run at once"


def test_job_whose_messages_are_all_lost_is_lost_and_says_so(
    open_site: Open, stack: ExitStack
) -> None:
    """A worker that is killed takes the message along that Redis is handing to it."""
    # A worker asks Redis for the next message, and waits for so many seconds.
    site = open_site(broker_transport_options={"polling_interval": 600})
    page = site.page()
    worker = site.worker(stack)
    page.run("echo")
    site.stop_while_it_waits(worker)
    job = page.start("echo")
    # A worker would send it again before the test has stopped that worker.
    site.hide_from_workers()
    for number in range(1, 5):
        # Redis has handed the message to the worker, which has not seen it.
        until(lambda: not site.messages(), TIMEOUT, poll=0.01)
        worker.main().kill()
        until(lambda: page.poll(job) and site.probes(), TIMEOUT, poll=0.02)
        assert job.status == "queued"
        worker = site.worker(stack, name=f"worker-{number}")
        until(lambda number=number: site.last_probe() >= number, TIMEOUT, poll=0.01)
        site.stop_while_it_waits(worker)
        if number < 4:
            until(lambda n=number: page.poll(job) and site.sent_again() == n, TIMEOUT)
    with promised("3 × lease", lease=LEASE):
        page.wait_for("lost", job)
    assert job.error["type"] == "MessageLost"
    assert "sent 4 times" in job.error["message"]
    worker.main().resume()
    assert page.run("echo", "after").result == "after"


def test_job_whose_call_the_backend_has_dropped_is_lost(
    open_site: Open, stack: ExitStack
) -> None:
    """Redis drops what no one reads, when it is short of memory."""
    site = open_site()
    page = site.page()
    job = page.start("echo", 1)
    keys: Any = site.backend.keys("*.call.*")
    site.backend.delete(*keys)
    site.worker(stack)
    with promised("2 s"):
        page.wait_for("lost", job)
    assert job.error["type"] == "CallLost"
    assert page.run("echo", 2).result == 2


def test_job_that_waits_for_others_is_not_sent_again(
    open_site: Open, stack: ExitStack, tmp_path: Path
) -> None:
    site = open_site(worker_prefetch_multiplier=1)
    page = site.page()
    site.worker(stack)
    held = page.start("hold", str(tmp_path / "held"))
    until((tmp_path / "held").exists, TIMEOUT, poll=0.01)
    names = [str(tmp_path / f"tally-{number}") for number in range(4)]
    waiting = [
        page.start("tally", {"name": name, "how": "return", "result": name})
        for name in names
    ]
    ends = time.monotonic() + 10 * LEASE
    while time.monotonic() < ends:
        page.poll(held, *waiting)
        assert {job.status for job in waiting} == {"queued"}
    assert site.probes() >= 2
    (tmp_path / "held.go").touch()
    page.wait_for("succeeded", held, *waiting)
    assert site.sent_again() == 0
    assert [len(Path(f"{name}.runs").read_text().split()) for name in names] == [1] * 4


def test_job_that_waits_for_its_rate_is_not_sent_again(
    open_site: Open, stack: ExitStack, tmp_path: Path
) -> None:
    """Celery's list of what a worker has reserved does not have such a job."""
    site = open_site(task_default_rate_limit="30/m")
    page = site.page()
    site.worker(stack)
    names = [str(tmp_path / f"tally-{number}") for number in range(3)]
    jobs = [page.start("tally", {"name": each, "how": "no_update"}) for each in names]
    page.wait_for("succeeded", *jobs)
    assert site.sent_again() == 0
    assert [len(Path(f"{name}.runs").read_text().split()) for name in names] == [1] * 3


def test_each_queue_tells_of_its_own_jobs(
    open_site: Open, stack: ExitStack, tmp_path: Path
) -> None:
    site = open_site(
        task_routes={
            "*.hold.*": {"queue": "slow"},
            "*.stamp.*": {"queue": "no-worker"},
            "*.echo.*": {"queue": "quick", "priority": 3},
        }
    )
    page = site.page()
    site.worker(stack, "-Q", "slow", name="slow")
    held = page.start("hold", str(tmp_path / "held"))
    until((tmp_path / "held").exists, TIMEOUT, poll=0.01)
    behind = page.start("hold", str(tmp_path / "behind"))
    alone = page.start("stamp")
    lost = page.start("echo", "found")
    # Redis has a list for each priority.
    site.rob("quick\x06\x163")
    site.worker(stack, "-Q", "quick", name="quick")
    assert page.run("echo", 1).result == 1
    page.wait_for("succeeded", lost)
    ends = time.monotonic() + 5 * LEASE
    while time.monotonic() < ends:
        page.poll(held, behind, alone)
    assert [behind.status, alone.status] == ["queued", "queued"]
    assert site.sent_again() == 1
    for name in ("held", "behind"):
        (tmp_path / f"{name}.go").touch()
    page.wait_for("succeeded", held, behind)


def test_job_that_a_dead_worker_had_reserved_is_sent_again(
    open_site: Open, stack: ExitStack, tmp_path: Path
) -> None:
    site = open_site(lease=DEATH_LEASE)
    page = site.page()
    worker = site.worker(stack)
    held = page.start("hold", str(tmp_path / "held"))
    until((tmp_path / "held").exists, TIMEOUT, poll=0.01)
    waiting = page.start("echo", "found")
    until(lambda: not site.messages(), TIMEOUT, poll=0.01)
    site.worker(stack, name="next")
    with promised("3 × lease", lease=DEATH_LEASE):
        for process in [worker.main(), *worker.main().children()]:
            process.kill()
        page.wait_for("succeeded", waiting)
    page.wait_for("lost", held)


def test_job_that_a_worker_could_not_give_back_is_sent_again(
    open_site: Open, stack: ExitStack, tmp_path: Path
) -> None:
    """A worker that stops while its broker is away leaves in good order, and can't."""
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = stack.enter_context(brokers.redis(folder))
    site = open_site(broker.database())
    page = site.page()
    worker = site.worker(stack)
    held = page.start("hold", str(tmp_path / "held"))
    until((tmp_path / "held").exists, TIMEOUT, poll=0.01)
    waiting = page.start("echo", "found")
    until(lambda: not site.messages(), TIMEOUT, poll=0.01)
    broker.kill()
    main = worker.main()
    main.terminate()
    (tmp_path / "held.go").touch()
    page.wait_for("succeeded", held)
    psutil.wait_procs([main], timeout=TIMEOUT)
    # A page polls meanwhile, and the broker accepts no probe.
    until(lambda: page.poll(waiting) and site.last_probe("sent") >= 4, TIMEOUT)
    assert site.web.log.count("does not respond") == 1
    broker.start()
    site.worker(stack, name="next")
    with promised("3 × lease", lease=LEASE):
        page.wait_for("succeeded", waiting)


def test_job_that_waits_in_its_lane_outlives_its_worker(
    open_site: Open, stack: ExitStack, tmp_path: Path
) -> None:
    site = open_site()
    page = site.page()
    worker = site.worker(stack)
    first = page.start("queue", str(tmp_path / "first"), seq=1)
    until((tmp_path / "first").exists, TIMEOUT, poll=0.01)
    second = page.start("queue", str(tmp_path / "second"), seq=2)
    until(lambda: not site.messages(), TIMEOUT, poll=0.01)
    (tmp_path / "second.go").touch()
    for process in [worker.main(), *worker.main().children()]:
        process.kill()
    site.worker(stack, name="next")
    page.wait_for("lost", first)
    page.wait_for("succeeded", second)
