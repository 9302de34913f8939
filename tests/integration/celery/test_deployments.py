"""Deployments on Celery: servers, workers, pools, and Celery's own limits."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis as client

from tests.integration.brokers import Redis
from tests.integration.deployment import Deployment, Setting, deployed, working
from tests.integration.page import TIMEOUT, Page
from tests.integration.servers import APPS, is_alive, serving
from tests.ports import free_port
from tests.promises import promised
from tests.waiting import until

Deploy = Callable[..., Deployment]


@pytest.fixture
def setting(redis: Redis) -> Setting:
    return Setting.celery(redis.database(), redis.database())


@pytest.fixture
def deploy(redis: Redis, tmp_path: Path) -> Iterator[Deploy]:
    """Deploy an app on Redis: ``deploy("-P", "threads", task_time_limit=1)``."""
    with ExitStack() as stack:

        def start(*options: str, **conf: Any) -> Deployment:
            setting = Setting.celery(redis.database(), redis.database(), **conf)
            return stack.enter_context(deployed(setting, tmp_path, 1, *options))

        yield start


def wait_for(path: Path) -> None:
    until(path.exists, TIMEOUT, poll=0.01)


def test_two_servers_and_two_workers_share_all_jobs(
    setting: Setting, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                serving(setting.gunicorn(2), tmp_path / name, free_port())
            )
            for name in ("a", "b")
        ]
        for name in ("one", "two"):
            command = setting.worker("-c", "1", "-n", name)
            stack.enter_context(working(command, tmp_path / name))
        one, two = (server.page() for server in servers)
        held = [tmp_path / "hold-0", tmp_path / "hold-1"]
        jobs = [one.start("hold", str(path)) for path in held]
        for path in held:
            wait_for(path)
        # Each worker runs one job at a time: both work.
        pids = {path.read_text() for path in held}
        assert len(pids) == 2
        two.wait_for("running", *jobs)
        two.cancel(jobs[0])
        one.wait_for("cancelled", jobs[0])
        held[1].with_suffix(".go").touch()
        two.wait_for("succeeded", jobs[1])
        assert jobs[1].result == str(held[1])
        assert [two.run("echo", number).result for number in range(6)] == [*range(6)]


def test_worker_that_lacks_the_task_fails_the_job(
    setting: Setting, tmp_path: Path
) -> None:
    (tmp_path / "web").mkdir()
    conf = setting.manager["celery"]
    worker = [
        *(sys.executable, "-m", "celery", "-b", conf["broker_url"]),
        *("--result-backend", conf["result_backend"], "worker", "-c", "1"),
        *("-l", "INFO"),
    ]
    with (
        serving(setting.web(), tmp_path / "web") as web,
        working(worker, tmp_path / "worker"),
        promised("2 s"),
    ):
        job = web.page().run("echo", 1)
    assert job.status == "failed"
    assert job.error["type"] == "TaskNotFound"
    assert "does not know tasks_app.echo. Restart the worker" in job.error["message"]


def test_worker_with_a_celery_object_of_its_own_runs_the_jobs(
    setting: Setting, tmp_path: Path
) -> None:
    (tmp_path / "web").mkdir()
    worker = setting.worker("-c", "2", app="own_worker:celery_app")
    with (
        serving(setting.web(), tmp_path / "web") as web,
        working(worker, tmp_path / "worker") as own,
    ):
        page = web.page()
        assert page.run("echo", 1).result == 1
        # The steps of a worker are there, too: what kills a job, and what sees it die.
        job = page.start("hold", str(tmp_path / "held"))
        wait_for(tmp_path / "held")
        pid = int((tmp_path / "held").read_text())
        page.cancel(job)
        until(lambda: not is_alive(pid), TIMEOUT)
        assert page.run("end", "SIGKILL").status == "lost"
        assert own.main().is_running()


def test_job_that_waits_for_a_worker_says_how_to_start_one(
    setting: Setting, tmp_path: Path
) -> None:
    (tmp_path / "web").mkdir()
    hint = (
        "No worker takes jobs from the queue 'celery'. Start one: celery -A "
        "tasks_app:celery_app worker"
    )
    with serving(setting.web(), tmp_path / "web") as web:
        page = web.page()
        job = page.start("echo", 1)

        def has_hint() -> bool:
            page.poll(job)
            return job.snapshots[-1].get("hint") == hint

        with promised("lease + 6 s", lease=10.0):
            until(has_hint, TIMEOUT)
        assert web.log.count(hint) == 1
        with working(setting.worker("-c", "1"), tmp_path / "worker"):
            page.wait_for("succeeded", job)
            held = page.start("hold", str(tmp_path / "held"))
            waiting = page.start("echo", 2)
            wait_for(tmp_path / "held")
            until(
                lambda: page.poll(waiting) and "hint" in waiting.snapshots[-1], TIMEOUT
            )
            assert waiting.snapshots[-1]["hint"] == ""
            (tmp_path / "held.go").touch()
            page.wait_for("succeeded", held, waiting)
    assert web.log.count("No worker takes jobs") == 1


def test_worker_with_other_code_fails_the_job(setting: Setting, tmp_path: Path) -> None:
    for name in ("web", "worker"):
        (tmp_path / name).mkdir()
    source = (APPS / "tasks_app.py").read_text()
    old = source.replace("    return value\n", "    return [value]\n")
    (tmp_path / "worker" / "tasks_app.py").write_text(old)
    worker = setting.worker("-c", "1", path=tmp_path / "worker")
    with (
        serving(setting.web(), tmp_path / "web") as web,
        working(worker, tmp_path / "worker"),
    ):
        page = web.page()
        with promised("2 s"):
            job = page.run("echo", 1)
        assert page.run("stamp", 1).status == "succeeded"
    assert job.status == "failed"
    assert job.error["type"] == "CodeChangedError"
    assert "tasks_app.echo" in job.error["message"]


def test_job_that_is_delivered_twice_runs_once(
    setting: Setting, tmp_path: Path
) -> None:
    (tmp_path / "web").mkdir()
    broker = client.Redis.from_url(setting.manager["celery"]["broker_url"])
    with serving(setting.web(), tmp_path / "web") as web, broker:
        page = web.page()
        job = page.start("echo", "once")
        (message,) = broker.lrange("celery", 0, -1)
        broker.rpush("celery", message, message)
        page.poll(job)
        assert job.status == "queued"
        with working(setting.worker("-c", "1"), tmp_path / "worker") as worker:
            page.wait_for("succeeded", job)
            assert page.run("echo", "after").result == "after"
            assert worker.log.count("was started before: not run") == 2
    assert job.result == "once"


@pytest.mark.parametrize("pool", ["threads", "solo", "gevent"])
def test_cancelled_job_in_a_pool_without_processes_ends_at_its_next_progress(
    deploy: Deploy, tmp_path: Path, pool: str
) -> None:
    deployment = deploy("-P", pool, "-c", "1")
    page = deployment.page()
    job = page.start("busy", str(tmp_path / "busy"))
    wait_for(tmp_path / "busy")
    page.wait_for("running", job)
    with promised("2 s"):
        page.cancel(job)
        page.wait_for("cancelled", job)
    # Its one slot is free again.
    assert page.run("echo", 1).result == 1
    assert page.run("end", "raise").status == "failed"


@pytest.mark.parametrize("pool", ["threads", "solo", "gevent"])
def test_job_in_a_pool_without_processes_times_out(
    deploy: Deploy, tmp_path: Path, pool: str
) -> None:
    page = deploy("-P", pool, "-c", "1").page()
    with promised("timeout + 2 s", timeout=1.0):
        job = page.run("brief-busy", str(tmp_path / "busy"))
    assert job.status == "timed_out", job.snapshots
    assert "Timed out after 1 s" in job.error["message"]
    # Its one slot is free again: it ended at its next set_progress.
    assert page.run("echo", 1).result == 1


def test_job_that_no_worker_takes_expires_and_never_runs(
    redis: Redis, tmp_path: Path
) -> None:
    setting = Setting.celery(redis.database(), redis.database())
    setting.manager["queue_timeout"] = 3.0
    (tmp_path / "web").mkdir()
    with serving(setting.web(), tmp_path / "web") as web:
        page = web.page()
        with promised("queue_timeout + 2 s", queue_timeout=3.0):
            asked, left = page.start("stamp", 1), page.start("stamp", 2)
            page.wait_for("timed_out", asked)
        with working(setting.worker("-c", "1"), tmp_path / "worker"):
            assert page.run("echo", 1).result == 1
            page.wait_for("timed_out", left)
    assert asked.error["type"] == left.error["type"] == "Expired"


@pytest.mark.parametrize("limit", ["task_time_limit", "task_soft_time_limit"])
def test_time_limit_of_celery_times_the_job_out(
    deploy: Deploy, tmp_path: Path, limit: str
) -> None:
    page = deploy(**{limit: 1}).page()
    job = page.run("hold", str(tmp_path / "held"))
    assert job.status == "timed_out", job.snapshots
    assert job.error["task"] == "tasks_app.hold"


def test_only_a_cancel_speaks_to_the_workers(setting: Setting, tmp_path: Path) -> None:
    broker = client.Redis.from_url(setting.manager["celery"]["broker_url"])
    with deployed(setting, tmp_path) as deployment, broker:
        spy: Any = broker.pubsub()  # type: ignore[no-untyped-call]
        spy.psubscribe("*pidbox*")
        assert spy.get_message(timeout=TIMEOUT)
        page = deployment.page()
        page.cancel(page.run("echo", 1))
        assert page.run("end", "raise").status == "failed"
        assert spy.get_message(timeout=0.1) is None
        job = page.start("hold", str(tmp_path / "held"))
        wait_for(tmp_path / "held")
        page.cancel(job)
        message = spy.get_message(timeout=TIMEOUT)
        assert message is not None
        body = json.loads(message["data"])["body"]
        assert b'"method": "end_dash_long_job"' in base64.b64decode(body)
        spy.close()


def test_arguments_are_in_no_log_and_no_record(deploy: Deploy) -> None:
    deployment = deploy("-c", "1", "-l", "DEBUG")
    page: Page = deployment.page("user=the-secret-cookie")
    assert page.run("stamp", "the-secret-argument").status == "succeeded"
    assert "the-secret" not in deployment.log()
    conf = deployment.setting.manager["celery"]
    with client.Redis.from_url(conf["result_backend"]) as backend:
        keys = backend.keys("celery-task-*")
        lists = [key for key in keys if backend.type(key) == b"zset"]
        texts = [backend.get(key) or b"" for key in keys if key not in lists]
        texts += [member for key in lists for member in backend.zrange(key, 0, -1)]
    assert texts
    assert not [text for text in texts if b"the-secret" in text]
