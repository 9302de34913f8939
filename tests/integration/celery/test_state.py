"""The job store decides about a job, not the messages of Celery."""

from __future__ import annotations

import json
import re
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
from tests.integration.deployment import (
    WORKER_LOST_WAIT,
    Deployment,
    Setting,
    deployed,
    working,
)
from tests.integration.page import TIMEOUT, Job, Page
from tests.integration.servers import (
    has_control_groups,
    is_alive,
    tell_of_control_groups,
    until_gone,
)
from tests.promises import promised
from tests.waiting import until

#: Seconds of a lease.
LEASE = 2.0

LATE = {"acks_late": True, "reject_on_worker_lost": True}
RETRY = {"retry_on_worker_lost": True, "max_retries": 3, "default_retry_delay": 1}

Deploy = Callable[..., Deployment]


@pytest.fixture
def deploy(redis: Redis, tmp_path: Path) -> Iterator[Deploy]:
    """Deploy an app on Redis: ``deploy(task_acks_late=True)``."""
    with ExitStack() as stack:

        def start(broker: str | None = None, **conf: Any) -> Deployment:
            url = broker or redis.database()
            setting = Setting.celery(url, redis.database(), LEASE, **conf)
            return stack.enter_context(deployed(setting, tmp_path, 1, "-c", "2"))

        yield start


def hold(page: Page, path: Path, task: str = "hold") -> tuple[Any, int]:
    """Start a job, and return it with the process that runs it."""
    job = page.start(task, str(path))
    until(path.exists, TIMEOUT, poll=0.01)
    page.wait_for("running", job)
    return job, json.loads(path.read_text())


def runs(path: Path) -> list[int]:
    """Return the processes that have run the job ``tally`` with a path."""
    noted = Path(f"{path}.runs")
    return [int(line) for line in noted.read_text().split()] if noted.exists() else []


def hold_tally(page: Page, path: Path) -> Job:
    """Start a job that notes its runs, and wait until it holds."""
    job = page.start("tally", {"name": str(path), "how": "hold", "result": 1})
    until(lambda: runs(path), TIMEOUT, poll=0.01)
    page.wait_for("running", job)
    return job


@pytest.mark.parametrize(
    ("conf", "deliveries"),
    [
        ({"task_annotations": {"*": LATE}}, 2),
        ({"task_annotations": {"*": RETRY}}, 2),
        # Tasks of the package acknowledge early, unless an annotation says otherwise.
        ({"task_acks_late": True, "task_reject_on_worker_lost": True}, 1),
    ],
    ids=["late", "retry", "settings"],
)
def test_job_that_celery_delivers_again_after_its_death_is_lost(
    deploy: Deploy, tmp_path: Path, conf: dict[str, Any], deliveries: int
) -> None:
    deployment = deploy(**conf)
    page, path = deployment.page(), tmp_path / "tally"
    job = hold_tally(page, path)
    # Celery looks every five seconds, and waits for ``worker_lost_wait``.
    with promised("worker_lost_wait + 8 s", worker_lost_wait=WORKER_LOST_WAIT):
        psutil.Process(runs(path)[0]).kill()
        page.wait_for("lost", job)
    assert job.error["type"] == "WorkerDied"
    assert "SIGKILL" in job.error["message"]
    (worker,) = deployment.workers
    until(lambda: worker.log.count("before: not run") >= deliveries - 1, TIMEOUT)
    assert page.run("echo", 1).result == 1
    assert len(re.findall(r"tally\S+ received", worker.log)) == deliveries
    assert len(runs(path)) == 1


def test_job_that_celery_cancels_with_its_connection_is_lost(
    deploy: Deploy, tmp_path: Path
) -> None:
    folder, path = tmp_path / "broker", tmp_path / "tally"
    folder.mkdir()
    with brokers.redis(folder) as broker:
        url = broker.database()
        deployment = deploy(
            url,
            task_annotations={"*": LATE},
            worker_cancel_long_running_tasks_on_connection_loss=True,
        )
        page = deployment.page()
        job = hold_tally(page, path)
        with promised("2 s"), client.Redis.from_url(url) as connection:
            for kind in ("normal", "pubsub"):
                connection.client_kill_filter(_type=kind, skipme=True)
            page.wait_for("lost", job)
            until_gone(lambda: filter(is_alive, runs(path)))
        assert "connection to the broker" in job.error["message"]
        (worker,) = deployment.workers
        # Redis delivers again what the worker could not acknowledge.
        until(lambda: "before: not run" in worker.log, TIMEOUT)
        assert page.run("echo", 1).result == 1
    assert len(runs(path)) == 1


def test_cancel_kills_without_remote_control(deploy: Deploy, tmp_path: Path) -> None:
    page = deploy(worker_enable_remote_control=False).page()
    job, pid = hold(page, tmp_path / "held")
    with promised("lease", lease=LEASE):
        page.cancel(job)
        page.wait_for("cancelled", job)
        until(lambda: not is_alive(pid), TIMEOUT, poll=0.02)
    assert page.run("echo", 1).result == 1


def test_cancel_kills_while_the_broker_is_away(deploy: Deploy, tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    with brokers.redis(folder) as broker:
        deployment = deploy(broker.database())
        page = deployment.page()
        job, pid = hold(page, tmp_path / "held")
        broker.kill()
        with promised("lease", lease=LEASE):
            page.cancel_tokens([job.token])
            page.wait_for("cancelled", job)
            until(lambda: not is_alive(pid), TIMEOUT, poll=0.02)
        broker.start()
        (worker,) = deployment.workers
        with worker.supervised():
            until(lambda: page.run("echo", 1).result == 1, TIMEOUT)


def test_cancel_kills_a_job_that_outlived_a_connection_to_the_broker(
    deploy: Deploy, tmp_path: Path
) -> None:
    """Celery may forget a running job when it connects to the broker again."""
    folder = tmp_path / "broker"
    folder.mkdir()
    with brokers.redis(folder) as broker:
        deployment = deploy(broker.database())
        page = deployment.page()
        job, pid = hold(page, tmp_path / "held")
        broker.kill()
        broker.start()
        assert page.run("echo", 1).result == 1
        with promised("2 s"):
            page.cancel(job)
            until(lambda: not is_alive(pid), TIMEOUT, poll=0.02)


def test_cancelled_job_is_no_error_in_the_log(deploy: Deploy, tmp_path: Path) -> None:
    deployment = deploy()
    page = deployment.page()
    job, pid = hold(page, tmp_path / "held")
    (worker,) = deployment.workers
    before = len(worker.log)
    page.cancel(job)
    until(lambda: not is_alive(pid), TIMEOUT, poll=0.02)
    assert page.run("echo", 1).result == 1
    log = worker.log[before:]
    assert "ERROR" not in log
    assert "WARNING" not in log
    assert "lost" not in log.lower()


def test_job_whose_page_has_left_is_no_error_in_the_log(
    deploy: Deploy, tmp_path: Path
) -> None:
    deployment = deploy()
    page = deployment.page()
    assert page.run("echo", 1).result == 1
    (worker,) = deployment.workers
    before = len(worker.log)
    page.start("leave", str(tmp_path / "held"))
    until(lambda: states_of_celery(deployment) == {"REVOKED"}, TIMEOUT)
    log = worker.log[before:]
    assert "ERROR" not in log
    assert "lost" not in log.lower()


def test_process_that_a_job_forks_does_not_end_it(deploy: Deploy) -> None:
    page = deploy().page()
    for how in ("return in a fork", "raise in a fork"):
        assert page.run("end", how).result == "parent"
    assert page.run("echo", 1).result == 1


def states_of_celery(deployment: Deployment) -> set[str]:
    """Return the states that Celery itself has stored of tasks."""
    conf = deployment.setting.manager["celery"]
    with client.Redis.from_url(conf["result_backend"]) as backend:
        keys = [key.decode() for key in backend.keys("celery-task-meta-*")]
        metas = [backend.get(key) for key in keys if "." not in key.split("-", 3)[3]]
    return {json.loads(text)["status"] for text in metas if text}


def test_failed_job_is_a_failure_to_celery(deploy: Deploy) -> None:
    deployment = deploy()
    page = deployment.page()
    failed, succeeded = page.run("end", "raise"), page.run("echo", 1)
    assert failed.status == "failed"
    assert failed.error["type"] == "KeyError"
    assert states_of_celery(deployment) == {"FAILURE"}
    assert succeeded.status == "succeeded"
    (worker,) = deployment.workers
    until(lambda: "raised expected: JobFailed" in worker.log, TIMEOUT)
    assert worker.log.count("Traceback") == 1


def test_programs_that_a_job_leaves_behind_end_with_it(
    deploy: Deploy, tmp_path: Path
) -> None:
    page = deploy().page()
    name = str(tmp_path / "left")
    family = {"name": name, "then": "return", "bare": True}
    assert page.run("family", family).result == "done"
    *left, pool = json.loads(Path(name).read_text())
    with promised("2 s"):
        until_gone(lambda: filter(psutil.pid_exists, left))
    assert is_alive(pool)


def test_programs_of_a_killed_worker_end_when_the_next_one_starts(
    deploy: Deploy, tmp_path: Path
) -> None:
    deployment = deploy()
    page = deployment.page()
    name = tmp_path / "family"
    family = {"name": str(name), "then": "wait", "bare": has_control_groups()}
    job = page.start("family", family)
    until(name.exists, TIMEOUT, poll=0.01)
    *programs, pool = json.loads(name.read_text())
    (worker,) = deployment.workers
    main = worker.main()
    for process in [main, *main.children()]:
        process.kill()
    psutil.wait_procs([main], timeout=TIMEOUT)
    assert all(map(is_alive, programs))
    with working(deployment.setting.worker("-c", "1"), tmp_path / "next"):
        with promised("2 s"):
            until_gone(lambda: filter(is_alive, programs))
        assert page.run("echo", 1).result == 1
    page.wait_for("lost", job)
    assert not is_alive(pool)
    tell_of_control_groups()


def test_outage_of_the_backend_is_logged_once(deploy: Deploy, tmp_path: Path) -> None:
    folder = tmp_path / "backend"
    folder.mkdir()
    with brokers.redis(folder) as backend:
        deployment = deploy(result_backend=backend.database())
        page = deployment.page()
        job, _pid = hold(page, tmp_path / "held", "until")
        backend.kill()
        time.sleep(3 * LEASE)
        backend.start()
        (tmp_path / "held.go").touch()
        page.wait_for("succeeded", job)
        (worker,) = deployment.workers
        until(lambda: worker.log.count("can be used again") == 2, TIMEOUT)
        # The main process and the process of the job.
        assert worker.log.count("does not respond") == 2
