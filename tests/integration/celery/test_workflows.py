"""Jobs that wait for tasks of the app: their functions return groups and chords."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
import redis as client

from tests.integration.brokers import RabbitMQ, Redis
from tests.integration.deployment import Deployment, Setting, deployed, working
from tests.integration.page import TIMEOUT, Job, Page
from tests.integration.servers import is_alive, until_gone, wait_for_json
from tests.promises import promised
from tests.waiting import until

_names = (f"job-{number}" for number in itertools.count())

LEASE = 2.0


@pytest.fixture(scope="module", params=["redis"])
def deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """One worker for one task at once: a job must not keep its place."""
    folder = tmp_path_factory.mktemp("celery")
    if request.param == "redis":
        redis: Redis = request.getfixturevalue("redis")
        setting = Setting.celery(redis.database(), redis.database(), lease=LEASE)
    else:
        rabbitmq: RabbitMQ = request.getfixturevalue("rabbitmq")
        setting = Setting.celery(
            rabbitmq.virtual_host(),
            # Writers of SQLite wait for each other.
            f"db+sqlite:///{folder}/results.sqlite?timeout={TIMEOUT}",
            lease=LEASE,
            # Another deployment may have left messages in the default one.
            task_default_queue=f"queue-{uuid4().hex}",
        )
    with deployed(setting, folder, 1, "-c", "1") as found:
        yield found


#: The other broker, with a database for the results.
on_rabbitmq_too = pytest.mark.parametrize(
    "deployment", ["redis", "rabbitmq"], indirect=True, scope="module"
)


@pytest.fixture
def page(deployment: Deployment) -> Page:
    return deployment.page()


@pytest.fixture
def name(tmp_path: Path) -> Iterator[str]:
    """A path for a job's files that all processes read alike.

    None of them outlives its test: a task that holds would hold up the next one.
    """
    yield str(tmp_path / next(_names))
    for held in [*tmp_path.glob("*.stop"), *tmp_path.glob("*.unsent")]:
        held.unlink()


def last_bar(job: Job) -> list[int]:
    bars: list[list[int]] = [
        bar[:2] for each in job.snapshots for bar in each.get("bars", [])
    ]
    return bars[-1]


def drop_the_workflow(deployment: Deployment) -> None:
    """Delete the only workflow, as a Redis that is short of memory may."""
    backend = deployment.setting.manager["celery"]["result_backend"]
    if backend.startswith("redis"):
        with closing(client.Redis.from_url(backend)) as redis:
            (key,) = redis.keys("*.workflow")
            redis.delete(key)
        return
    path = backend.removeprefix("db+sqlite:///").partition("?")[0]
    with closing(sqlite3.connect(path, timeout=TIMEOUT)) as database, database:
        delete = "DELETE FROM celery_taskmeta WHERE task_id LIKE '%.workflow'"
        assert database.execute(delete).rowcount == 1


#: What a job returns, its result, and the number of its tasks.
SHAPES = [
    ("result", 1, 1),
    ("group", [1, 4, 9], 3),
    ("group signature", [1, 4, 9], 3),
    ("chord", 14, 4),
    ("chord signature", 14, 4),
    ("chain", 14, 4),
]


@on_rabbitmq_too
@pytest.mark.parametrize(("how", "result", "count"), SHAPES)
def test_result_is_that_of_the_tasks(
    page: Page, name: str, how: str, result: object, count: int
) -> None:
    job = page.run("workflow", {"name": name, "how": how})
    assert job.status == "succeeded", job.snapshots
    assert job.result == result
    assert last_bar(job) == [count, count]


@pytest.mark.parametrize("how", ["group", "chord"])
def test_failed_task_fails_the_job(page: Page, name: str, how: str) -> None:
    job = page.run("workflow", {"name": name, "how": how, "items": [-1, 2]})
    assert job.status == "failed"
    assert job.error["type"] == "ConnectionError"
    assert job.error["message"] == "refused"


@pytest.mark.parametrize("how", ["ignored", "ignored signature"])
def test_task_without_a_result_is_an_error(page: Page, name: str, how: str) -> None:
    job = page.run("workflow", {"name": name, "how": how})
    assert job.status == "failed"
    assert job.error["type"] == "WorkflowError"
    assert "ignore_result=False" in job.error["message"]
    assert not Path(f"{name}.1").exists()


@on_rabbitmq_too
def test_job_whose_workflow_the_backend_has_dropped_is_lost(
    deployment: Deployment, page: Page, name: str
) -> None:
    Path(f"{name}.stop").touch()
    job = page.start("workflow", {"name": name, "how": "group"})
    wait_for_json(Path(f"{name}.1"))
    with promised("3 s"):
        drop_the_workflow(deployment)
        page.wait_for("lost", job)
    assert job.error["type"] == "WorkflowLost"


@on_rabbitmq_too
def test_job_whose_process_is_killed_at_its_end_is_lost(page: Page, name: str) -> None:
    job = page.run("killed at its end", name)
    assert job.status == "lost", job.snapshots
    assert page.run("echo", 1).result == 1


@pytest.mark.parametrize("status", ["cancelled", "timed_out"])
def test_process_that_ends_a_job_is_killed_with_it(
    page: Page, name: str, status: str
) -> None:
    how = "held" if status == "cancelled" else "late"
    job = page.start(f"{how} at its end", name)
    pid = wait_for_json(Path(name))
    if status == "cancelled":
        with promised("2 s"):
            page.cancel(job)
            page.wait_for("cancelled", job)
            until_gone(lambda: filter(is_alive, [pid]))
    else:
        with promised("timeout + 2 s", timeout=2.0):
            page.wait_for("timed_out", job)
            until_gone(lambda: filter(is_alive, [pid]))
    assert page.run("echo", 1).result == 1


@on_rabbitmq_too
def test_cancel_revokes_the_tasks(page: Page, name: str) -> None:
    Path(f"{name}.stop").touch()
    job = page.start("workflow", {"name": name, "how": "group"})
    pid, _ = wait_for_json(Path(f"{name}.1"))
    with promised("3 s"):
        page.cancel(job)
        page.wait_for("cancelled", job)
        until_gone(lambda: filter(is_alive, [pid]))
    assert page.run("echo", 1).result == 1
    assert not Path(f"{name}.3").exists()


def test_cancel_revokes_tasks_that_are_being_sent(page: Page, name: str) -> None:
    for file in ("stop", "unsent"):
        Path(f"{name}.{file}").touch()
    job = page.start("workflow", {"name": name, "how": "group signature"})
    wait_for_json(Path(f"{name}.sending"))
    page.cancel(job)
    page.wait_for("cancelled", job)
    # The only process of the worker would hold for ever in the first task.
    assert page.run("echo", 1).result == 1
    assert not Path(f"{name}.2").exists()


def test_job_outlives_the_worker_that_began_it(
    redis: Redis, tmp_path: Path, name: str
) -> None:
    routes = {f"tasks_app.{task}": {"queue": "user"} for task in ("squared", "summed")}
    setting = Setting.celery(
        redis.database(), redis.database(), lease=LEASE, task_routes=routes
    )
    of_tasks = [*setting.worker("-c", "1", "-Q", "user"), "-n", "tasks@test"]
    with deployed(setting, tmp_path) as found, working(of_tasks, tmp_path / "tasks"):
        (worker,) = found.workers
        page = found.page()
        Path(f"{name}.stop").touch()
        job = page.start("workflow", {"name": name, "how": "chord"})
        wait_for_json(Path(f"{name}.1"))
        until(lambda: "waits for its tasks" in worker.log, TIMEOUT)
        worker.kill()
        Path(f"{name}.stop").unlink()
        wait_for_json(Path(f"{name}.3"))
        worker.start()
        page.wait_for("succeeded", job)
        assert job.result == 14
