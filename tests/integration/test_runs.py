"""A job without retries runs its function at most once, whatever is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.brokers import Redis
from tests.integration.deployment import Deployment, Setting, deployed
from tests.integration.page import TIMEOUT
from tests.waiting import until

#: Of Celery's worker, in seconds.
LEASE = 2.0


@pytest.fixture(scope="module", params=["diskcache", "redis"])
def deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    setting = Setting({"max_concurrency": 2})
    if request.param == "redis":
        server: Redis = request.getfixturevalue("redis")
        # Celery delivers the messages of a killed worker again.
        late = {"task_acks_late": True, "task_reject_on_worker_lost": True}
        setting = Setting.celery(
            server.database(), server.database(), lease=LEASE, **late
        )
    folder = tmp_path_factory.mktemp(request.param)
    with deployed(setting, folder) as deployment:
        yield deployment


@pytest.mark.parametrize("victim", ["job", "what starts it", "web server"])
def test_job_without_retries_runs_once_whatever_is_killed(
    deployment: Deployment, tmp_path: Path, victim: str
) -> None:
    page, runs = deployment.page(), tmp_path / "job.runs"
    value = {"name": str(tmp_path / "job"), "how": "hold", "result": 1}
    job = page.start("tally", value)
    until(lambda: runs.exists() and runs.read_text().endswith("\n"), TIMEOUT)
    match victim:
        case "job":
            os.kill(int(runs.read_text()), signal.SIGKILL)
        case "what starts it":
            deployment.kill_main()
        case _:
            deployment.web.kill()
            deployment.web.start()
    # The job goes on without a dispatcher or a web server, and ends with its worker.
    (tmp_path / "job.go").touch()
    page.wait_for_end(job)
    assert job.status in ("succeeded", "lost")
    # A second run would have come before this one.
    assert page.run("echo", 1).result == 1
    assert len(runs.read_text().splitlines()) == 1
