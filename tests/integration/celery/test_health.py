"""What a probe learns of brokers and workers."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from redis import StrictRedis

from dash_long_components import CeleryLongCallbackManager
from dash_long_components.cli import celery_checks
from tests.integration import brokers
from tests.integration.deployment import Deployment, Setting, deployed, working
from tests.integration.page import TIMEOUT
from tests.promises import promised
from tests.waiting import until

LEASE = 2.0


def probe(deployment: Deployment) -> tuple[int, Any]:
    """Ask as an orchestrator does."""
    url = f"{deployment.web.url}/_dash-long-jobs/health"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def doctor(address: str) -> tuple[int, str]:
    """Return the exit code of ``dash-long-jobs doctor``, and what it finds."""
    options = ["doctor", "--json", "--broker", address, "--backend", address]
    command = [sys.executable, "-m", "dash_long_components.cli", *options]
    run = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    return run.returncode, "\n".join(it["text"] for it in json.loads(run.stdout))


def test_doctor_knows_a_redis_that_drops_jobs_and_clocks_that_differ(
    redis: brokers.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = redis.database()
    manager = CeleryLongCallbackManager(Celery(broker=address, backend=address))
    later = SimpleNamespace(time=lambda: time.time() + 60)
    monkeypatch.setattr(celery_checks, "time", later)
    with closing(StrictRedis.from_url(address)) as client:
        # Without a limit, it drops nothing of the other tests.
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            found = {it.text: it.advice for it in celery_checks.redis(manager)}
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    manager.close()
    for beginning in ("maxmemory-policy is allkeys-lru", "The clocks of Redis"):
        (advice,) = (found[text] for text in found if text.startswith(beginning))
        assert advice


@pytest.mark.alone
def test_probe_tells_whether_a_worker_is_there(
    redis: brokers.Redis, tmp_path: Path
) -> None:
    address = redis.database()
    setting = Setting.celery(address, address, lease=LEASE)
    with deployed(setting, tmp_path) as deployment, ExitStack() as stack:
        page = deployment.page()
        assert page.run("echo", 1).result == 1
        status, body = probe(deployment)
        assert (status, body["reason"]) == (200, None)
        assert body["managers"]["celery"]["queued"] == 0
        code, text = doctor(address)
        assert code == 0, text
        assert "1 workers: worker-0@test." in text
        assert "worker-0@test reserves 8 jobs for 2 processes." in text
        deployment.workers[0].kill()
        queued = page.start("echo", 2)
        with promised("lease + 4 s", lease=LEASE):
            until(lambda: probe(deployment)[0] == 503, TIMEOUT)
        _, body = probe(deployment)
        problem = "no worker takes jobs from the queue celery"
        assert body["reason"] == f"celery: {problem}"
        assert body["managers"]["celery"]["queued"] == 1
        assert 1 < body["managers"]["celery"]["oldest_wait"] < TIMEOUT
        code, text = doctor(address)
        assert code == 1
        assert "No worker has answered within 2 s." in text
        stack.enter_context(working(setting.worker(), tmp_path / "again"))
        with promised("4 s"):
            until(lambda: probe(deployment)[0] == 200, TIMEOUT)
        page.wait_for("succeeded", queued)
        assert probe(deployment)[1]["managers"]["celery"]["queued"] == 0
