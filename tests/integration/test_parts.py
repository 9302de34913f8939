"""The parts of a job: ``current_job().map()``."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.brokers import RabbitMQ, Redis
from tests.integration.deployment import Deployment, Setting, deployed
from tests.integration.page import Job, Page
from tests.integration.servers import is_alive, until_gone, wait_for_json
from tests.promises import promised

#: Of Celery's workers, in seconds.
LEASE = 2.0

_names = (f"job-{number}" for number in itertools.count())


MANAGERS = ["fork", "spawn", "memory", "redis"]

#: For what the broker may make a difference to.
on_rabbitmq_too = pytest.mark.parametrize(
    "deployment", [*MANAGERS, "rabbitmq"], indirect=True, scope="module"
)


@pytest.fixture(scope="module", params=MANAGERS)
def deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    options: list[str] = []
    match request.param:
        case "redis" | "rabbitmq":
            setting = celery_setting(request)
            options = ["-c", "4"]
        case "memory":
            setting = Setting({"memory": {"max_concurrency": 2}})
        case method:
            setting = Setting({"max_concurrency": 2, "start_method": method})
    folder = tmp_path_factory.mktemp(request.param)
    with deployed(setting, folder, 1, *options) as deployment:
        yield deployment


def celery_setting(request: pytest.FixtureRequest) -> Setting:
    redis: Redis = request.getfixturevalue("redis")
    if request.param == "redis":
        return Setting.celery(redis.database(), redis.database(), lease=LEASE)
    rabbitmq: RabbitMQ = request.getfixturevalue("rabbitmq")
    return Setting.celery(
        rabbitmq.virtual_host(),
        redis.database(),
        lease=LEASE,
        # Another deployment may have left messages in the default one.
        task_default_queue=f"queue-{uuid4().hex}",
    )


@pytest.fixture
def page(deployment: Deployment) -> Page:
    return deployment.page()


@pytest.fixture
def name(tmp_path: Path) -> str:
    """A path for a job's files that all processes read alike."""
    return str(tmp_path / next(_names))


@pytest.fixture
def _kills(deployment: Deployment) -> None:
    """Skip managers that run parts in a thread, which can't be killed."""
    if "memory" in deployment.setting.manager:
        pytest.skip("A thread has no process of its own.")


@pytest.fixture
def _quick(deployment: Deployment) -> None:
    """Skip processes that import the app, where that makes no difference."""
    if deployment.setting.manager.get("start_method") == "spawn":
        pytest.skip("A spawned process takes seconds to start.")


def pids_of(name: str, count: int) -> list[int]:
    """Return the numbers of the processes of the first parts, once they run."""
    return [wait_for_json(Path(f"{name}.{item}"))[0] for item in range(count)]


def last_bar(job: Job) -> Any:
    return [bar[:2] for s in job.snapshots for bar in s.get("bars", [])][-1]


@on_rabbitmq_too
def test_results_come_in_the_order_of_the_items(page: Page, name: str) -> None:
    job = page.run("parts", {"name": name, "how": "plain", "count": 6})
    assert job.status == "succeeded", job.snapshots
    results, left = job.result
    assert results == [0, 1, 4, 9, 16, 25]
    assert left == []
    assert last_bar(job) == [6, 6]
    lines = {line[1] for s in job.snapshots for line in s.get("log", [])}
    assert {f"part {item} of plain" for item in range(6)} <= lines


@pytest.mark.usefixtures("_kills", "_quick")
def test_slow_part_holds_up_no_other(page: Page, name: str) -> None:
    job = page.run("parts", {"name": name, "how": "late-first", "late": 5})
    assert job.status == "succeeded", job.snapshots
    assert job.result[0] == [0, 1, 4, 9, 16, 25]


@pytest.mark.usefixtures("_quick")
def test_loop_may_end_before_its_items(page: Page, name: str) -> None:
    job = page.run("parts", {"name": name, "how": "endless"})
    assert job.status == "succeeded", job.snapshots
    results, left = job.result
    assert results == [item * item for item in range(40)]
    assert left == []


@pytest.mark.usefixtures("_quick")
def test_exception_of_the_items_comes_after_the_results_before_it(
    page: Page, name: str
) -> None:
    job = page.run("parts", {"name": name, "how": "end", "count": 4})
    assert job.status == "succeeded", job.snapshots
    results, left = job.result
    assert results == [0, 1, 4, 9, "No more items."]
    assert left == []
    lines = [line[1] for s in job.snapshots for line in s.get("log", [])]
    assert sorted(lines) == [f"part {item} of end" for item in range(4)]


@pytest.mark.usefixtures("_quick")
def test_items_may_depend_on_results(page: Page, name: str) -> None:
    value = {"name": name, "how": "fed", "count": 1, "workers": 1}
    job = page.run("parts", value)
    assert job.status == "succeeded", job.snapshots
    assert job.result[0] == [0, 1, 4]


@on_rabbitmq_too
@pytest.mark.usefixtures("_quick")
def test_part_may_have_parts(page: Page, name: str) -> None:
    job = page.run("parts", {"name": name, "how": "nested", "count": 2})
    assert job.status == "succeeded", job.snapshots
    assert job.result[0] == [[0, 1], [1, 2]]


@on_rabbitmq_too
def test_exception_of_a_part_fails_the_job_and_names_the_part(
    page: Page, name: str
) -> None:
    job = page.run("parts", {"name": name, "how": "raise"})
    assert job.status == "failed"
    assert job.error["type"] == "ConnectionError"
    assert job.error["message"] == "refused (part 3: 2)"


@pytest.mark.usefixtures("_kills", "_quick")
def test_result_that_can_not_be_sent_is_an_error(page: Page, name: str) -> None:
    job = page.run("parts", {"name": name, "how": "unable"})
    assert job.status == "failed"
    assert job.error["type"] == "PartError"
    assert "can't be sent to its job" in job.error["message"]
    assert "(part 3: 2)" in job.error["message"]


@on_rabbitmq_too
@pytest.mark.usefixtures("_kills")
def test_cancel_kills_the_parts(page: Page, name: str) -> None:
    job = page.start("parts", {"name": name, "how": "hold"})
    pids = pids_of(name, 3)
    with promised("2 s"):
        page.cancel(job)
        page.wait_for("cancelled", job)
        until_gone(lambda: filter(is_alive, pids))


@pytest.mark.usefixtures("_kills", "_quick")
def test_parts_die_with_their_job(page: Page, name: str) -> None:
    job = page.start("parts", {"name": name, "how": "hold"})
    pids = pids_of(name, 3)
    os.kill(wait_for_json(Path(name))[0], signal.SIGKILL)
    page.wait_for("lost", job)
    until_gone(lambda: filter(is_alive, pids))


@pytest.mark.usefixtures("_kills")
def test_killed_part_is_an_error_that_names_it(
    deployment: Deployment, page: Page, name: str
) -> None:
    if deployment.setting.has_workers:
        pytest.skip("It begins again in another process.")
    job = page.start("parts", {"name": name, "how": "hold"})
    pids = pids_of(name, 3)
    os.kill(pids[1], signal.SIGKILL)
    Path(f"{name}.go").touch()  # its exception comes after the result before it
    page.wait_for("failed", job)
    assert job.error["type"] == "PartError"
    assert "Part 2: 1 of map() has no result" in job.error["message"]
    assert "SIGKILL" in job.error["message"]
    until_gone(lambda: filter(is_alive, pids))


@pytest.fixture(scope="module")
def workers(
    redis: Redis, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Two workers of Celery; each runs one job or part at once."""
    setting = Setting.celery(redis.database(), redis.database(), lease=LEASE)
    folder = tmp_path_factory.mktemp("workers")
    with deployed(setting, folder, 2, "-c", "1") as deployment:
        yield deployment


@pytest.mark.parametrize("victim", ["pool", "worker"])
def test_part_of_a_killed_worker_begins_again(
    workers: Deployment, name: str, victim: str
) -> None:
    page = workers.page()
    job = page.start("parts", {"name": name, "how": "hold", "count": 2})
    (of_job,) = wait_for_json(Path(name))
    pids = {item: wait_for_json(Path(f"{name}.{item}")) for item in range(2)}
    ((item, (pid, main)),) = [it for it in pids.items() if it[1][0] != of_job]
    Path(f"{name}.{item}").unlink()
    (worker,) = [it for it in workers.workers if it.main().pid == main]
    if victim == "worker":
        worker.kill()
    os.kill(pid, signal.SIGKILL)
    if victim == "worker":
        worker.start()
    wait_for_json(Path(f"{name}.{item}"))
    Path(f"{name}.go").touch()
    page.wait_for("succeeded", job)
    assert job.result[0] == [0, 1]


def test_jobs_that_hold_all_workers_run_their_parts_themselves(
    workers: Deployment, tmp_path: Path
) -> None:
    page = workers.page()
    values = [{"name": str(tmp_path / n), "how": "plain"} for n in "ab"]
    jobs = [page.start("parts", value) for value in values]
    page.wait_for("succeeded", *jobs)
    assert [job.result[0] for job in jobs] == [[0, 1, 4, 9, 16, 25]] * 2
