"""The time limits of a job hold when dispatchers and servers come and go."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.integration.conftest import Serve
from tests.integration.page import TIMEOUT
from tests.integration.servers import command, is_alive, until_gone
from tests.promises import promised
from tests.waiting import until


@pytest.mark.alone
def test_timeout_holds_when_the_dispatcher_is_killed(serve: Serve) -> None:
    server = serve(command())
    page = server.page()
    job = page.start("brief", {"name": "family", "then": "wait"})
    family = server.wait_for_file("family")
    with promised("timeout + start + 2 s", timeout=2.0, start=server.start_time):
        server.dispatcher().kill()
        page.wait_for("timed_out", job)
        until_gone(lambda: filter(is_alive, family))


def test_job_that_waits_for_too_long_expires(serve: Serve) -> None:
    server = serve(command(max_concurrency=1, queue_timeout=2.0))
    server.wait_until_ready()
    page = server.page()
    running = page.start("hold", "held")
    server.wait_for_file("held")
    with promised("queue_timeout + 2 s", queue_timeout=2.0):
        waiting = page.start("hold", "waiting")
        page.wait_for("timed_out", waiting)
    assert "Expired in the queue" in waiting.error["message"]
    # Its time in the queue does not limit how long a job runs.
    server.release("held")
    page.wait_for("succeeded", running)
    assert page.run("echo", 1).result == 1
    assert not server.file("waiting").exists()


@pytest.mark.alone
def test_job_that_expired_while_no_server_was_there_does_not_begin(
    serve: Serve, tmp_path: Path
) -> None:
    start = command(max_concurrency=1, queue_timeout=2.0)
    first = serve(start, tmp_path)
    first.wait_until_ready()
    page = first.page()
    running = page.start("hold", "held")
    first.wait_for_file("held")
    waiting = page.start("hold", "waiting")
    dispatcher = first.dispatcher()
    first.terminate()
    dispatcher.kill()
    submitted = time.monotonic()
    until(lambda: time.monotonic() > submitted + 2.0, TIMEOUT)
    second = serve(start, tmp_path, first.port)
    with promised("start + 2 s", start=second.start_time):
        page.wait_for("timed_out", waiting)
    second.release("held")
    page.wait_for("succeeded", running)
    assert not second.file("waiting").exists()


def test_page_goes_on_with_its_job_after_a_restart(
    serve: Serve, tmp_path: Path
) -> None:
    first = serve(command(), tmp_path)
    page = first.page()
    job = page.start("leave", "held")
    worker = first.wait_for_file("held")
    first.terminate()
    # Longer than leave_timeout, but no server was there to ask.
    stopped = time.monotonic()
    until(lambda: time.monotonic() > stopped + 3.0, TIMEOUT)
    second = serve(command(), tmp_path, first.port)
    page.poll(job)
    assert job.status == "running"
    assert is_alive(worker)
    second.release("held")
    page.wait_for("succeeded", job)
