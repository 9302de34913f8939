"""Queues, priorities, limits over all processes, turns of users: on all managers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import kombu
import psutil
import pytest

from tests.integration.brokers import RabbitMQ, Redis
from tests.integration.deployment import Setting, Worker, working
from tests.integration.page import TIMEOUT, Job, Page
from tests.integration.servers import (
    Server,
    command,
    gunicorn,
    is_alive,
    serving,
    wait_for_json,
)
from tests.promises import promised
from tests.waiting import until

#: Processes that start jobs.
PROCESSES = 4

#: Seconds, of Celery's workers.
LEASE = 2.0

MANAGERS = ["diskcache", "memory", "redis"]

QUEUES: dict[str, Any] = {"queues": {"default": 2, "side": 1}}


@dataclass
class Site:
    """A server with several processes, and with workers where the manager has any.

    Attributes:
        setting: of the manager.
        worker: how to start one of its workers.
        workers: those that run.
        can_kill: whether a job has a process of its own.
    """

    server: Server
    setting: Setting = field(default_factory=Setting)
    worker: list[str] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    can_kill: bool = True

    def page(self, user: str = "") -> Page:
        return self.server.page(f"user={user}")


on_rabbitmq_too = pytest.mark.parametrize(
    "site", [*MANAGERS, "rabbitmq"], indirect=True, scope="module"
)


@pytest.fixture(scope="module", params=MANAGERS)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "web").mkdir()
    with ExitStack() as stack:

        def serve(command: list[str]) -> Server:
            return stack.enter_context(serving(command, folder / "web"))

        match request.param:
            case "diskcache":
                server = serve(gunicorn(PROCESSES, **QUEUES, users="user"))
                server.wait_until_ready()
                yield Site(server)
            case "memory":
                server = serve(command(memory=QUEUES, users="user"))
                yield Site(server, can_kill=False)
            case _:
                setting = celery_setting(request)
                workers = workers_of(setting)
                started = [
                    stack.enter_context(working(worker, folder / name))
                    for name, worker in workers.items()
                ]
                server = serve(setting.gunicorn(PROCESSES))
                yield Site(server, setting, workers["main"], started)


def celery_setting(request: pytest.FixtureRequest) -> Setting:
    redis: Redis = request.getfixturevalue("redis")
    results = redis.database()
    # A worker reserves one job for each of its processes, in spite of priorities.
    conf: dict[str, Any] = {"worker_prefetch_multiplier": 1}
    if request.param == "rabbitmq":
        rabbitmq: RabbitMQ = request.getfixturevalue("rabbitmq")
        broker = rabbitmq.virtual_host()
        # Another deployment may have left messages in the default one.
        queue = f"queue-{uuid4().hex}"
        conf |= {"task_default_queue": queue, "task_queue_max_priority": 9}
    else:
        broker = redis.database()
    setting = Setting.celery(broker, results, LEASE, **conf)
    return Setting({**setting.manager, "users": "user"})


def workers_of(setting: Setting) -> dict[str, list[str]]:
    default = default_queue(setting)
    return {
        name: setting.worker("-c", slots, "-Q", queue, "-n", f"{name}@test")
        for name, queue, slots in (("main", default, "2"), ("side", "side", "1"))
    }


@pytest.fixture
def name(tmp_path: Path) -> str:
    return str(tmp_path / "job")


def release(*names: str) -> None:
    for name in names:
        Path(f"{name}.go").touch()


def test_one_job_at_once_of_two_hundred_from_four_processes(
    site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "running"
    folder.mkdir()

    def start(number: int) -> tuple[Page, list[Job]]:
        page = site.page(f"user-{number}")
        return page, [page.start("single", str(folder)) for _ in range(50)]

    with ThreadPoolExecutor(PROCESSES) as pool:
        started = list(pool.map(start, range(PROCESSES)))
    for page, jobs in started:
        for job in jobs:
            page.wait_for("succeeded", job)
    assert {job.result for _page, jobs in started for job in jobs} == {1}


def test_hundred_jobs_of_a_user_do_not_hold_up_the_one_of_another(
    site: Site, tmp_path: Path
) -> None:
    file, gate = tmp_path / "started", tmp_path / "gate"

    def started() -> list[str]:
        return file.read_text().split() if file.exists() else []

    def ask(name: str) -> dict[str, object]:
        return {"file": str(file), "gate": str(gate), "name": name, "seconds": 0.2}

    ada, ben = site.page("ada"), site.page("ben")
    many = [ada.start("fair", ask("ada")) for _ in range(100)]
    until(started, TIMEOUT)
    one = ben.start("fair", ask("ben"))
    before = len(started())
    assert before <= 2
    gate.touch()
    ben.wait_for("succeeded", one)
    # Of each slot, one job at most came before.
    assert started().index("ben") - before <= 2
    ada.cancel(*many)
    ada.wait_for_end(*many)


@on_rabbitmq_too
def test_named_queue_has_workers_of_its_own(site: Site, name: str) -> None:
    page = site.page()
    names = [f"{name}-{number}" for number in range(5)]
    default = [page.start("hold", each) for each in names[:3]]
    side = [page.start("side", each) for each in names[3:]]
    for each in (*names[:2], names[3]):
        wait_for_json(Path(each))

    def places() -> list[int]:
        jobs = default[2], side[1]
        page.poll(*jobs)
        return [job.snapshots[-1].get("queue", {}).get("position") for job in jobs]

    until(lambda: places() == [1, 1], TIMEOUT, poll=0.02)
    assert not Path(names[4]).exists()
    release(*names)
    page.wait_for("succeeded", *default, *side)


@on_rabbitmq_too
def test_job_of_a_higher_priority_passes_others(site: Site, name: str) -> None:
    page = site.page()
    names = [f"{name}-{number}" for number in range(2)]
    holding = [page.start("hold", each) for each in names]
    for each in names:
        wait_for_json(Path(each))
    others = [page.start("stamp") for _ in range(6)]
    urgent = page.start("urgent")
    release(*names)
    page.wait_for("succeeded", *holding, *others, urgent)
    assert urgent.result < others[-1].result


@pytest.mark.parametrize("site", ["rabbitmq"], indirect=True, scope="module")
def test_message_that_rabbitmq_loses_is_sent_again(site: Site, name: str) -> None:
    """The queue has priorities: the probe has that of the message."""
    page = site.page()
    names = [f"{name}-{number}" for number in range(4)]
    # Each process has one job, and the worker has reserved one more for each.
    jobs = [page.start("hold", each) for each in names]
    with broker_of(site) as channel:
        until(lambda: waiting(site, channel) == 0, TIMEOUT, poll=0.02)
        urgent = page.start("urgent")
        others = [page.start("stamp") for _ in range(3)]
        until(lambda: waiting(site, channel) >= 4, TIMEOUT, poll=0.02)
        lost = channel.basic_get(default_queue(site.setting), no_ack=True)
    assert lost.headers["id"] in urgent.token
    release(*names)
    page.wait_for("succeeded", *jobs)
    with promised("3 × lease", lease=LEASE):
        page.wait_for("succeeded", urgent)
    page.wait_for("succeeded", *others)
    logs = [server.log for server in (site.server, *site.workers)]
    assert sum(log.count("is sent again") for log in logs) == 1


def default_queue(setting: Setting) -> str:
    return str(setting.manager["celery"].get("task_default_queue", "celery"))


@contextmanager
def broker_of(site: Site) -> Iterator[Any]:
    """Yield a channel of the broker."""
    url = site.setting.manager["celery"]["broker_url"]
    with kombu.Connection(url) as connection, connection.channel() as channel:
        yield channel


def waiting(site: Site, channel: Any) -> int:
    """Return how many messages wait in the default queue."""
    queue = default_queue(site.setting)
    return int(channel.queue_declare(queue, passive=True).message_count)


def test_cancelled_job_keeps_its_place_until_its_process_is_gone(
    site: Site, name: str
) -> None:
    if not site.can_kill:
        pytest.skip("A thread has no process of its own.")
    page = site.page()
    first = page.start("alone", f"{name}-0")
    pid = wait_for_json(Path(f"{name}-0"))
    second, third = [page.start("alone", f"{name}-{number}") for number in (1, 2)]
    page.cancel(second)
    page.wait_for("cancelled", second)
    page.cancel(first)

    def has_begun() -> bool:
        # A file is there when its job has begun.
        was_alive = is_alive(pid)
        begun = Path(f"{name}-2").exists()
        assert not (begun and was_alive)
        page.poll(third)
        return begun

    until(has_begun, TIMEOUT, poll=0.01)
    assert not Path(f"{name}-1").exists()
    release(f"{name}-2")
    page.wait_for("succeeded", third)


def test_unknown_queue_is_told(site: Site, name: str) -> None:
    page = site.page()
    if not site.worker:
        error = page.fail_to_start("elsewhere", name)
        said = "Could not start: the server does not have its queue."
        assert error["message"] == said
        # Each process tells it at its first request, and at each trigger.
        assert "queue='elsewhere'" in site.server.log
        assert "the queues 'default', 'side'" in site.server.log
        return
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{site.server.url}/_dash-long-jobs/health")
    with caught.value as answer:
        reason = json.loads(answer.read())["reason"]
    assert reason == "celery: no worker takes jobs from the queue elsewhere"
    job = page.start("elsewhere", name)

    def hint() -> str:
        page.poll(job)
        return str(job.snapshots[-1].get("hint")) if job.snapshots else ""

    until(lambda: "worker -Q elsewhere" in hint(), TIMEOUT, poll=0.1)
    page.cancel(job)


def test_next_job_of_a_group_runs_though_a_worker_was_killed(
    site: Site, name: str, tmp_path: Path
) -> None:
    """The worker would have sent the next job."""
    if not site.worker:
        pytest.skip("It has no workers.")
    page = site.page()
    with working([*site.worker, "-n", "spare@test"], tmp_path / "spare"):
        first = page.start("alone", f"{name}-0")
        worker = psutil.Process(wait_for_json(Path(f"{name}-0"))).parent()
        assert worker is not None
        second = page.start("alone", f"{name}-1")
        page.poll(first, second)
        with promised("3 × lease + 2 s", lease=LEASE):
            for process in [worker, *worker.children(recursive=True)]:
                process.kill()

            def has_begun() -> bool:
                page.poll(*[job for job in (first, second) if not job.has_ended])
                return Path(f"{name}-1").exists()

            until(has_begun, TIMEOUT, poll=0.02)
        assert first.status == "lost"
        release(f"{name}-1")
        page.wait_for("succeeded", second)
