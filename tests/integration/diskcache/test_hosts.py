"""Two containers with one volume, and processes that are stopped."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.integration.conftest import Serve
from tests.integration.page import TIMEOUT
from tests.integration.servers import command, is_alive
from tests.promises import promised
from tests.waiting import until

_UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def container() -> list[str]:
    """Return how to start an app in a pid namespace of its own."""
    return [*_UNSHARE, *command(max_concurrency=2)]


def has_namespaces() -> bool:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    return subprocess.run([*_UNSHARE, "true"], check=False).returncode == 0


needs_namespaces = pytest.mark.skipif(
    not has_namespaces(), reason="can't make a pid namespace"
)


@needs_namespaces
def test_containers_with_one_volume_leave_each_others_jobs_alone(
    serve: Serve, tmp_path: Path
) -> None:
    first, second = serve(container(), tmp_path), serve(container(), tmp_path)
    page = first.page()
    job = page.start("hold", "first")
    first.wait_for_file("first")
    other = second.page().run("echo", "second")
    assert other.result == "second"
    # The second one has looked at the job of the first more than once.
    until(lambda: "another container" in second.log, TIMEOUT)
    page.poll(job)
    assert job.status == "running"
    first.release("first")
    page.wait_for("succeeded", job)
    # Each says so once. They share a folder, and so a log.
    until(lambda: first.log.count("another container") == 2, TIMEOUT)


@needs_namespaces
def test_job_of_a_container_that_was_killed_is_lost(
    serve: Serve, tmp_path: Path
) -> None:
    first, second = serve(container(), tmp_path), serve(container(), tmp_path)
    job = first.page().start("hold", "first")
    first.wait_for_file("first")
    page = second.page()
    page.run("echo")
    for process in first.processes():
        with suppress(psutil.NoSuchProcess):  # the first one takes the others along
            process.kill()
    with promised("start + 30 s", start=0.0):
        page.wait_for("lost", job)
    assert "container or machine" in job.error["message"]


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGSTOP")
def test_dispatcher_that_is_stopped_is_replaced(serve: Serve) -> None:
    server = serve(command(max_concurrency=1))
    page = server.page()
    running = page.start("hold", "held")
    server.wait_for_file("held")
    waiting = page.start("echo", "after")
    dispatcher = server.dispatcher()
    worker = [child.pid for child in dispatcher.children()]
    os.kill(dispatcher.pid, signal.SIGSTOP)
    server.release("held")
    with promised("start + 15 s", start=server.start_time):
        page.wait_for("succeeded", running, waiting)
    assert (running.result, waiting.result) == ("held", "after")
    assert not is_alive(dispatcher.pid)
    assert "has not responded" in server.log
    until(lambda: not any(map(psutil.pid_exists, worker)), TIMEOUT)


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGSTOP")
def test_dispatcher_that_is_stopped_while_it_starts_is_replaced(
    serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "hang").write_text("stopped")
    server = serve(command(), tmp_path)
    page = server.page()
    job = page.start("echo", "after")
    stopped = server.dispatcher()
    until(lambda: stopped.status() == psutil.STATUS_STOPPED, TIMEOUT, poll=0.01)
    with promised("start + 15 s", start=server.start_time):
        page.wait_for("succeeded", job)
    assert not is_alive(stopped.pid)
    assert "was stopped for 10 s while it started" in server.log


def test_dispatcher_that_hangs_while_it_starts_is_replaced(
    serve: Serve, tmp_path: Path
) -> None:
    timeout = 10.0
    (tmp_path / "hang").write_text("asleep")
    server = serve(command(start_timeout=timeout), tmp_path)
    page = server.page()
    job = page.start("echo", "after")
    hung = server.dispatcher()
    with promised(
        "start_timeout + start + 6 s", start_timeout=timeout, start=server.start_time
    ):
        page.wait_for("succeeded", job)
    assert not is_alive(hung.pid)
    assert "has not started in 10 s (start_timeout)" in server.log
    assert any("start_timeout" in each.get("hint", "") for each in job.snapshots)


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGSTOP")
def test_dispatcher_that_is_stopped_in_a_write_is_replaced(serve: Serve) -> None:
    server = serve(command())
    page = server.page()
    running = page.start("hold", "held")
    worker = server.wait_for_file("held")
    dispatcher = server.dispatcher()
    with promised("start + 15 s", start=server.start_time):
        stop_in_a_write(dispatcher)
        assert page.fail_to_start("echo", "first")["type"] == "NotStarted"
        until(lambda: not is_alive(dispatcher.pid), TIMEOUT)
        assert page.run("echo", "second").result == "second"
        assert is_alive(worker)
        server.release("held")
        page.wait_for("succeeded", running)
    assert "was stopped in a write" in server.log


@pytest.mark.skipif(sys.platform != "linux", reason="does not say who writes")
def test_worker_that_is_stopped_in_a_write_is_killed(serve: Serve) -> None:
    server = serve(command())
    page = server.page()
    writer, other = page.start("hold", "writer"), page.start("hold", "other")
    os.kill(server.wait_for_file("other"), signal.SIGSTOP)
    with promised("15 s"):
        stop_in_a_write(psutil.Process(server.wait_for_file("writer")))
        page.wait_for("lost", writer)
    assert "stopped in a write" in writer.error["message"]
    assert page.run("echo", 1).result == 1
    # It writes nothing, and may be stopped for as long as the user likes.
    assert other.status == "queued"
    page.poll(other)
    assert other.status == "running"


def stop_in_a_write(process: psutil.Process) -> None:
    process.send_signal(signal.SIGVTALRM)
    until(lambda: process.status() == psutil.STATUS_STOPPED, TIMEOUT, poll=0.01)
