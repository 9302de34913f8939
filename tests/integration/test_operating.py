"""On every manager: operators pause tasks, and drain the jobs before a restart."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration.deployment import Setting, working
from tests.integration.page import TIMEOUT, Page
from tests.integration.servers import Server, serving
from tests.integration.test_contract import release, setting, wait_for_file
from tests.ports import free_port
from tests.waiting import until

#: Runs a command of the terminal; returns its exit code and what it prints.
Operate = Callable[..., tuple[int, Any]]


@pytest.fixture(params=["diskcache", "redis"])
def plan(request: pytest.FixtureRequest, tmp_path: Path) -> Setting:
    return setting(request, tmp_path)


@pytest.fixture
def server(plan: Setting, tmp_path: Path) -> Iterator[Server]:
    """The web server, without workers. gunicorn runs it, as in the compose file."""
    (tmp_path / "web").mkdir()
    with serving(plan.gunicorn(2), tmp_path / "web", free_port()) as server:
        yield server


@pytest.fixture
def operate(plan: Setting, server: Server) -> Operate:
    if plan.has_workers:
        conf = plan.manager["celery"]
        urls = (conf["broker_url"], conf["result_backend"])
        source = ["--broker", urls[0], "--backend", urls[1]]
    else:
        source = ["--store", server.file("cache")]

    def run(*args: str) -> tuple[int, Any]:
        command = [sys.executable, "-m", "dash_long_components.cli", *args, *source]
        done = subprocess.run([*command, "--json"], stdout=subprocess.PIPE, check=False)
        return done.returncode, json.loads(done.stdout)

    return run


def refuses(page: Page) -> bool:
    """Return whether the server starts no job now. If it does, this has started one."""
    return b"the server is about to restart" in page.call("echo", 1).body


def start_workers(plan: Setting, folder: Path, stack: ExitStack) -> list[Any]:
    if not plan.has_workers:
        return []
    return [stack.enter_context(working(plan.worker(), folder))]


def test_jobs_of_a_paused_task_wait_and_those_of_others_run(
    plan: Setting, server: Server, operate: Operate, tmp_path: Path
) -> None:
    page = Page(server.url)
    with ExitStack() as stack:
        start_workers(plan, tmp_path / "worker", stack)
        assert page.run("echo", 1).status == "succeeded"
        (task,) = {job["task"] for job in operate("list")[1]}
        assert operate("pause", task) == (0, {"paused": [task]})
        first, second, cancelled = (page.start("echo", n) for n in (1, 2, 3))
        assert isinstance(page.run("stamp").result, float)
        page.poll(first, second, cancelled)
        assert [first.status, second.status] == ["queued", "queued"]
        page.cancel(cancelled)
        page.wait_for("cancelled", cancelled)
        assert operate("drain", "--hold", "0") == (0, [])
        assert operate("resume", task) == (0, {"paused": []})
        page.wait_for("succeeded", first, second)
        assert (first.result, second.result) == (1, 2)


def test_drain_and_restart_lose_no_job(
    plan: Setting, server: Server, operate: Operate, tmp_path: Path
) -> None:
    page = Page(server.url)
    name = str(tmp_path / "held")
    with ExitStack() as stack:
        workers = start_workers(plan, tmp_path / "worker", stack)
        held = page.start("hold", name)
        wait_for_file(name)
        code, left = operate("drain", "--timeout", "0")
        assert (code, [job["status"] for job in left]) == (1, ["running"])
        assert page.run("echo", 1).result == 1

        with ThreadPoolExecutor() as threads:
            drain = threads.submit(operate, "drain", "--timeout", "60")
            until(lambda: refuses(page), TIMEOUT)
            assert not drain.done()
            release(name)
            assert drain.result(TIMEOUT) == (0, [])
        for worker in workers:
            worker.terminate()
        server.terminate()

        server.start()
        start_workers(plan, tmp_path / "again", stack)
        health = f"{server.url}/_dash-long-jobs/health"
        with urllib.request.urlopen(health, timeout=TIMEOUT) as answer:
            assert answer.status == 200
        page.wait_for("succeeded", held)
        assert held.result == name
        assert operate("resume")[0] == 0
        until(lambda: not refuses(page), TIMEOUT)
        until(
            lambda: {job["status"] for job in operate("list")[1]} == {"succeeded"},
            TIMEOUT,
        )
