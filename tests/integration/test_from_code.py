"""On every manager: code of other processes starts, finds and cancels jobs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import celery
import diskcache
import pytest

from dash_long_components import (
    CeleryLongCallbackManager,
    DiskcacheLongCallbackManager,
    LongCallbackManager,
)
from dash_long_components.exceptions import JobNotFoundError
from tests.integration.deployment import Deployment, deployed
from tests.integration.page import TIMEOUT
from tests.integration.servers import APPS, is_alive, with_settings
from tests.integration.test_contract import caching_setting, release, wait_for_file
from tests.waiting import until


@pytest.fixture(scope="module", params=["diskcache", "redis", "rabbitmq-database"])
def deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp(request.param)
    with deployed(caching_setting(request, folder), folder) as deployment:
        yield deployment


@pytest.fixture
def manager(deployment: Deployment) -> Iterator[LongCallbackManager]:
    """A manager of this process, which knows no app."""
    if deployment.setting.has_workers:
        app = celery.Celery("elsewhere")
        app.conf.update(deployment.setting.manager["celery"])
        yield CeleryLongCallbackManager(app)
        return
    with diskcache.Cache(deployment.web.file("cache")) as cache:
        manager = DiskcacheLongCallbackManager(cache)
        yield manager
        manager.close()


def run_script(deployment: Deployment, name: str, value: Any) -> Any:
    """Run a job from a script beside the server, and return its id and result."""
    script = [sys.executable, str(APPS / "from_code.py"), name, json.dumps(value)]
    settings = with_settings([], **deployment.setting.manager)
    run = subprocess.run(
        [*(part.format(port=0) for part in settings), *script],
        cwd=deployment.web.folder,
        stdout=subprocess.PIPE,
        check=True,
        timeout=TIMEOUT,
    )
    return json.loads(run.stdout.splitlines()[-1])


def test_result_of_a_script_is_in_the_cache_of_pages(
    deployment: Deployment, manager: LongCallbackManager, tmp_path: Path
) -> None:
    question = {"name": str(tmp_path / "job"), "how": "return", "result": "warm"}
    job_id, result = run_script(deployment, "tally", question)
    assert result == "warm"
    answer = deployment.page().call("tally", question)
    assert answer.json["response"]["tally"]["children"] == "warm"
    job = manager.job(job_id, user="script")
    assert (job.status, job.user) == ("succeeded", "script")
    # This process knows no task.
    assert job.result() == {"tally.children": "warm"}
    assert [found.id for found in manager.jobs(user="script")] == [job_id]
    for user, named in (("eve", job_id), ("script", "missing")):
        with pytest.raises(JobNotFoundError):
            manager.job(named, user=user)


def test_job_of_a_page_is_found_and_cancelled(
    deployment: Deployment, manager: LongCallbackManager, tmp_path: Path
) -> None:
    name = str(tmp_path / "held")
    page = deployment.page()
    held = page.start("hold", name)
    pid: Any = wait_for_file(name)
    (job,) = manager.jobs(status="running", limit=10)
    assert job.task.endswith("tasks_app.hold")
    assert job.id in {found.id for found in manager.jobs(task=job.task)}
    job.cancel()
    assert job.wait(TIMEOUT) == "cancelled"
    page.wait_for("cancelled", held)
    until(lambda: not is_alive(pid), TIMEOUT)
    release(name)
    assert manager.jobs(status="running") == []
    assert manager.job(job.id).status == "cancelled"
