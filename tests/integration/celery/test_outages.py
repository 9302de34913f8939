"""Servers, workers, brokers and backends die, hang and come back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import psutil
import pytest

from tests.integration import brokers
from tests.integration.brokers import Redis
from tests.integration.deployment import (
    Deployment,
    Setting,
    Worker,
    deployed,
    working,
)
from tests.integration.page import TIMEOUT, Job
from tests.integration.servers import is_alive, serving, until_gone
from tests.promises import promised
from tests.tcp_proxy import Proxy
from tests.waiting import until

#: Seconds of a worker's lease. Its jobs are lost after two or three without renewal.
LEASE = 1.0

#: Threads that serve requests under gunicorn.
THREADS = 4

#: Seconds for which Redis is away.
OUTAGE = 5.0


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis that the test may stop."""
    folder = tmp_path / "redis"
    folder.mkdir()
    with brokers.redis(folder) as server:
        yield server


@pytest.fixture
def lease() -> float:
    return LEASE


@pytest.fixture
def deployment(redis: Redis, tmp_path: Path, lease: float) -> Iterator[Deployment]:
    setting = Setting.celery(redis.database(), redis.database(), lease)
    with deployed(setting, tmp_path, 1, "-c", "1") as deployment:
        yield deployment


@pytest.fixture
def hurt(own_redis: Redis, tmp_path: Path) -> Iterator[Deployment]:
    setting = Setting.celery(own_redis.database(), own_redis.database(), LEASE)
    with deployed(setting, tmp_path) as deployment:
        (worker,) = deployment.workers
        with worker.supervised():
            yield deployment


def hold(deployment: Deployment, path: Path, task: str = "hold") -> Job:
    """Start a job, and return when it runs."""
    page = deployment.page()
    job = page.start(task, str(path))
    until(path.exists, TIMEOUT, poll=0.01)
    page.wait_for("running", job)
    return job


def release(path: Path) -> None:
    Path(f"{path}.go").touch()


def kill(*processes: psutil.Process) -> None:
    """Kill processes, as when a machine fails."""
    for process in processes:
        process.kill()


def pool_of(worker: Worker) -> list[psutil.Process]:
    return worker.main().children()


@pytest.mark.parametrize("end", ["kill", "task_time_limit"])
def test_programs_of_a_job_end_when_its_process_is_killed(
    redis: Redis, tmp_path: Path, end: str
) -> None:
    conf = {} if end == "kill" else {end: 3}
    setting = Setting.celery(redis.database(), redis.database(), **conf)
    with deployed(setting, tmp_path, 1, "-c", "1") as deployment:
        page = deployment.page()
        name = tmp_path / "family"
        job = page.start("family", {"name": str(name), "then": "wait"})
        until(name.exists, TIMEOUT, poll=0.01)
        pids = json.loads(name.read_text())
        (worker,) = deployment.workers
        if end != "kill":
            page.wait_for("timed_out", job)
        with promised("2 s"):
            if end == "kill":
                kill(*pool_of(worker))
            until_gone(lambda: filter(is_alive, pids))
        page.wait_for("lost" if end == "kill" else "timed_out", job)
        # No zombies either. The worker's own processes go on.
        until(lambda: len(pool_of(worker)) == 1, TIMEOUT, poll=0.05)
        assert page.run("echo", 1).result == 1


@pytest.mark.parametrize("lease", [3.0])
def test_job_of_a_killed_worker_is_lost_in_three_leases(
    deployment: Deployment, tmp_path: Path, lease: float
) -> None:
    (worker,) = deployment.workers
    job = hold(deployment, tmp_path / "held")
    waiting = deployment.page().start("echo", "reserved")
    until(lambda: "tasks_app.echo" in worker.log.partition("ready.")[2], TIMEOUT)
    with promised("3 × lease", lease=lease):
        kill(worker.main(), *pool_of(worker))
        deployment.page().wait_for("lost", job)
    assert job.error["type"] == "WorkerDied"
    assert "has stopped responding" in job.error["message"]
    with working(deployment.setting.worker("-c", "1"), tmp_path / "next"):
        # Redis would deliver it again in an hour.
        deployment.page().wait_for("succeeded", waiting)
        assert waiting.result == "reserved"


def test_job_of_a_worker_that_is_cut_off_is_lost_in_three_leases(
    own_redis: Redis, tmp_path: Path
) -> None:
    lease, held = 3.0, tmp_path / "held"
    redis = own_redis.database()
    with closing(Proxy("worker to Redis", own_redis.port)) as proxy:
        through_proxy = redis.replace(str(own_redis.port), str(proxy.port))
        worker = Setting.celery(redis, through_proxy, lease).worker("-c", "1")
        with (
            deployed(Setting.celery(redis, redis, lease), tmp_path, 0) as deployment,
            working(worker, tmp_path / "worker"),
        ):
            job = hold(deployment, held)
            page = deployment.page()
            with promised("3 × lease", lease=lease):
                proxy.refuse(True)
                page.wait_for("lost", job)
            assert "has stopped responding" in job.error["message"]
            release(held)
            proxy.refuse(False)
            # Its worker has ended the function by then, and takes the next job.
            assert page.run("echo", "later").result == "later"
            page.poll(job)
            assert job.status == "lost"


@pytest.mark.parametrize("lease", [3.0])
def test_job_of_a_killed_worker_is_lost_though_the_server_restarts(
    deployment: Deployment, tmp_path: Path, lease: float
) -> None:
    (worker,) = deployment.workers
    page = deployment.page()
    job = hold(deployment, tmp_path / "held")
    kill(worker.main(), *pool_of(worker))
    deployment.web.kill()
    deployment.web.start()
    with promised("3 × lease", lease=lease):
        page.wait_for("lost", job)


def test_job_that_outlives_its_worker_stays_lost(
    deployment: Deployment, tmp_path: Path
) -> None:
    (worker,) = deployment.workers
    job = hold(deployment, tmp_path / "held")
    pool = pool_of(worker)
    kill(worker.main())
    deployment.page().wait_for("lost", job)
    release(tmp_path / "held")
    psutil.wait_procs(pool, timeout=TIMEOUT)
    again = Job(job.handle)
    deployment.page().poll(again)
    assert again.status == "lost"


def test_job_that_never_releases_the_gil_is_not_lost(
    deployment: Deployment,
) -> None:
    job = deployment.page().run("gil", 4 * LEASE)
    assert job.status == "succeeded", job.snapshots


def test_jobs_go_on_when_redis_hung(
    hurt: Deployment, own_redis: Redis, tmp_path: Path
) -> None:
    page = hurt.page()
    silent = hold(hurt, tmp_path / "silent")
    reporting = hold(hurt, tmp_path / "reporting", "until")
    process = psutil.Process(own_redis.pid)
    process.suspend()
    release(tmp_path / "silent")
    release(tmp_path / "reporting")
    ends = time.monotonic() + OUTAGE
    until(lambda: time.monotonic() > ends, TIMEOUT)
    process.resume()
    with promised("15 s"):
        page.wait_for("succeeded", silent, reporting)
    assert page.run("echo", 1).result == 1


def test_jobs_go_on_when_redis_is_started_again(
    hurt: Deployment, own_redis: Redis, tmp_path: Path
) -> None:
    page = hurt.page()
    silent = hold(hurt, tmp_path / "silent")
    reporting = hold(hurt, tmp_path / "reporting", "until")
    own_redis.terminate()
    release(tmp_path / "silent")
    ends = time.monotonic() + OUTAGE
    while time.monotonic() < ends:
        answer = page.post("_dash-long-jobs/poll", [[silent.token, silent.cursor]])
        assert answer.status == 503
        assert answer.body.count(b"\n") == 1
    with promised("10 s"):
        assert page.fail_to_start("echo", 1)["type"] == "NotStarted"
    own_redis.start()
    release(tmp_path / "reporting")
    with promised("15 s"):
        page.wait_for("succeeded", silent, reporting)
    assert page.run("echo", 1).result == 1


def test_trigger_fails_in_time_while_redis_hangs(
    hurt: Deployment, own_redis: Redis
) -> None:
    page = hurt.page()
    assert page.run("echo", 1).result == 1
    process = psutil.Process(own_redis.pid)
    process.suspend()
    with promised("10 s"):
        error = page.fail_to_start("echo", 2)
    process.resume()
    assert error["type"] == "NotStarted"
    assert str(own_redis.port) not in json.dumps(error)
    assert "Could not start tasks_app.echo: Celery's result backend" in hurt.web.log
    assert page.run("echo", 2).result == 2


def test_failed_trigger_replaces_no_job_when_the_broker_is_away(
    redis: Redis, own_redis: Redis, tmp_path: Path
) -> None:
    setting = Setting.celery(own_redis.database(), redis.database())
    with deployed(setting, tmp_path) as deployment:
        page = deployment.page()
        job = page.start("hold", str(tmp_path / "held"), seq=1)
        until((tmp_path / "held").exists, TIMEOUT, poll=0.01)
        own_redis.terminate()
        with promised("10 s"):
            error = page.fail_to_start("hold", str(tmp_path / "other"), seq=2)
        assert error["type"] == "NotStarted"
        release(tmp_path / "held")
        page.wait_for("succeeded", job)
        own_redis.start()
        (worker,) = deployment.workers
        with worker.supervised():
            again = page.start("hold", str(tmp_path / "other"), seq=3)
            release(tmp_path / "other")
            page.wait_for("succeeded", again)


def test_queued_job_is_run_by_the_next_worker(
    deployment: Deployment, tmp_path: Path
) -> None:
    (worker,) = deployment.workers
    page = deployment.page()
    running = hold(deployment, tmp_path / "held")
    waiting = page.start("echo", "waited")
    main = worker.main()
    main.terminate()
    release(tmp_path / "held")
    page.wait_for("succeeded", running)
    main.wait(TIMEOUT)
    # The worker gave back what it had reserved: no lease expires.
    expires = time.monotonic() + 3 * LEASE
    while time.monotonic() < expires:
        page.poll(waiting)
        assert waiting.status == "queued"
    command = deployment.setting.worker("-c", "1")
    with working(command, tmp_path / "next"), promised("2 s"):
        page.wait_for("succeeded", waiting)


def test_cancelled_job_does_not_run_on_a_worker_started_later(
    redis: Redis, tmp_path: Path
) -> None:
    setting = Setting.celery(redis.database(), redis.database())
    with ExitStack() as stack:
        (tmp_path / "web").mkdir()
        page = stack.enter_context(serving(setting.web(), tmp_path / "web")).page()
        job = page.start("hold", str(tmp_path / "held"))
        # No worker is there to hear the revoke.
        page.cancel(job)
        page.wait_for("cancelled", job)
        stack.enter_context(working(setting.worker("-c", "1"), tmp_path / "worker"))
        assert page.run("echo", 1).result == 1
        assert not (tmp_path / "held").exists()


def test_job_goes_on_when_the_server_is_started_again(
    deployment: Deployment, tmp_path: Path
) -> None:
    job = hold(deployment, tmp_path / "held")
    deployment.web.terminate()
    deployment.web.start()
    page = deployment.page()
    page.poll(job)
    assert job.status == "running"
    release(tmp_path / "held")
    page.wait_for("succeeded", job)


def test_web_process_has_no_more_connections_than_its_threads_need(
    own_redis: Redis, tmp_path: Path
) -> None:
    """However many jobs there were, and however often Redis has cut them."""
    setting = Setting.celery(own_redis.database(), own_redis.database(), LEASE)
    (tmp_path / "web").mkdir()

    def use(number: int) -> None:
        page = web.page()
        assert page.run("echo", number).result == number
        assert page.run("end", "raise").status == "failed"
        job = page.start("hold", str(tmp_path / f"held-{number}"))
        page.cancel(job)
        page.wait_for("cancelled", job)

    with (
        serving(setting.gunicorn(1), tmp_path / "web") as web,
        working(setting.worker("-c", "2"), tmp_path / "worker") as worker,
        worker.supervised(),
        ThreadPoolExecutor(2 * THREADS) as users,
    ):
        (server,) = psutil.Process(web.pid).children()
        for outage in range(4):
            if outage > 0:
                own_redis.kill()
                own_redis.start()
                until(lambda: web.page().run("echo", 1).result == 1, TIMEOUT)
            list(users.map(use, range(3 * THREADS)))
            connections = [
                each
                for each in server.net_connections()
                if each.raddr and each.raddr.port == own_redis.port
            ]
            # Each thread has one to jobs and one to what Celery stores; so has the
            # thread of the heartbeat. Celery's pool has ten to the broker, of two each.
            assert len(connections) <= 2 * (THREADS + 1) + 2 * 10
