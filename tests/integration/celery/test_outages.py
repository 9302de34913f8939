"""Servers and workers die, stop and come back; every job ends or goes on."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
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
from tests.waiting import until

#: Seconds without a sign of life, of which it takes two or three for a worker's jobs
#: to be lost.
LEASE = 1.0

#: Seconds for which Redis is away.
OUTAGE = 5.0

#: Seconds in which a trigger is answered, whatever stands still.
ANSWERED = 10.0


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Redis]:
    """A Redis to be hurt."""
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


def kill(*processes: psutil.Process) -> float:
    """Kill processes like a machine that fails, and return when that was."""
    for process in processes:
        process.kill()
    return time.monotonic()


def pool_of(worker: Worker) -> list[psutil.Process]:
    return worker.main().children()


@pytest.mark.parametrize("end", ["kill", "task_time_limit"])
def test_nothing_is_left_of_a_job_whose_process_is_killed(
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
        if end == "kill":
            kill(*pool_of(worker))
        page.wait_for("lost" if end == "kill" else "timed_out", job)
        until_gone(lambda: filter(is_alive, pids))
        # No zombies either; and what else the worker has started is left alone.
        until(lambda: len(pool_of(worker)) == 1, TIMEOUT, poll=0.05)
        assert page.run("echo", 1).result == 1


@pytest.mark.alone
@pytest.mark.parametrize("lease", [3.0])
def test_job_of_a_worker_that_is_killed_is_lost_in_three_leases(
    deployment: Deployment, tmp_path: Path, lease: float
) -> None:
    (worker,) = deployment.workers
    job = hold(deployment, tmp_path / "held")
    waiting = deployment.page().start("echo", 1)
    until(lambda: "tasks_app.echo" in worker.log.partition("ready.")[2], TIMEOUT)
    died = kill(worker.main(), *pool_of(worker))
    deployment.page().wait_for("lost", job, waiting)
    assert time.monotonic() - died < 3 * lease
    assert job.error["type"] == "WorkerDied"
    assert "is not heard of any more" in job.error["message"]
    # What waited inside of that worker comes back from Redis in an hour at the soonest.
    assert waiting.error["type"] == "WorkerDied"
    with working(deployment.setting.worker("-c", "1"), tmp_path / "next"):
        assert deployment.page().run("echo", 1).result == 1


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


def test_job_that_never_lets_go_of_the_interpreter_is_not_lost(
    deployment: Deployment,
) -> None:
    job = deployment.page().run("gil", 4 * LEASE)
    assert job.status == "succeeded", job.snapshots


def test_jobs_go_on_when_redis_stood_still(
    hurt: Deployment, own_redis: Redis, tmp_path: Path
) -> None:
    page = hurt.page()
    silent = hold(hurt, tmp_path / "silent")
    reporting = hold(hurt, tmp_path / "reporting", "until")
    process = psutil.Process(own_redis.pid)
    process.suspend()
    release(tmp_path / "silent")
    timer = threading.Timer(OUTAGE, process.resume)
    timer.start()
    page.wait_for("succeeded", silent)
    release(tmp_path / "reporting")
    page.wait_for("succeeded", reporting)
    timer.join()
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
    assert page.fail_to_start("echo", 1)["type"] == "NotStarted"
    own_redis.start()
    page.wait_for("succeeded", silent)
    release(tmp_path / "reporting")
    page.wait_for("succeeded", reporting)
    assert page.run("echo", 1).result == 1


@pytest.mark.alone
def test_trigger_is_answered_in_time_while_redis_stands_still(
    hurt: Deployment, own_redis: Redis
) -> None:
    page = hurt.page()
    assert page.run("echo", 1).result == 1
    process = psutil.Process(own_redis.pid)
    process.suspend()
    began = time.monotonic()
    error = page.fail_to_start("echo", 2)
    took = time.monotonic() - began
    process.resume()
    assert took < ANSWERED
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
        error = page.fail_to_start("hold", str(tmp_path / "other"), seq=2)
        assert error["type"] == "NotStarted"
        release(tmp_path / "held")
        page.wait_for("succeeded", job)
        own_redis.start()
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
    # It says that it leaves: what waits is no worker's.
    expires = time.monotonic() + 3 * LEASE
    while time.monotonic() < expires:
        page.poll(waiting)
        assert waiting.status == "queued"
    with working(deployment.setting.worker("-c", "1"), tmp_path / "next"):
        page.wait_for("succeeded", waiting)


def test_cancelled_job_does_not_run_on_a_worker_started_later(
    redis: Redis, tmp_path: Path
) -> None:
    setting = Setting.celery(redis.database(), redis.database())
    with ExitStack() as stack:
        (tmp_path / "web").mkdir()
        page = stack.enter_context(serving(setting.web(), tmp_path / "web")).page()
        job = page.start("hold", str(tmp_path / "held"))
        # A revoke that no worker hears.
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
