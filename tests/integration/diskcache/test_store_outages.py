"""The store is locked, or its disk is full, for a while."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from dash_long_components.managers.diskcache.worker.job_writer import FULL
from tests.integration.conftest import Serve
from tests.integration.page import TIMEOUT
from tests.integration.servers import Server, command, gunicorn, is_alive
from tests.promises import promised
from tests.waiting import until


def test_locked_store_holds_jobs_up_and_ends_none(serve: Serve) -> None:
    server = serve(command(max_concurrency=1))
    page = server.page()
    running = page.start("hold", "held")
    server.wait_for_file("held")
    waiting = page.start("echo", "after")
    with server.locked_store():
        server.release("held")
        # Worker and dispatcher have noticed, and try again.
        until(
            lambda: server.log.count("can't be read or written now") > 1,
            TIMEOUT,
            poll=0.05,
        )
        page.poll(running, waiting)
        assert (running.status, waiting.status) == ("running", "queued")
    with promised("5 s"):
        page.wait_for("succeeded", running, waiting)
    assert (running.result, waiting.result) == ("held", "after")


def test_trigger_while_the_store_is_locked_fails_and_can_be_repeated(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(command(), tmp_path)
    page = server.page()
    running = page.start("hold", "held", seq=1)
    server.wait_for_file("held")
    with server.locked_store("EXCLUSIVE"):
        # The other server has not opened the store before.
        other = serve(command(), tmp_path).page()
        with promised("6 s"), ThreadPoolExecutor() as pool:
            errors = pool.map(
                lambda each: each.fail_to_start("hold", "other", seq=2), [page, other]
            )
        for error in errors:
            assert error["type"] == "NotStarted"
            assert "cache" not in str(error)
        assert "Could not start tasks_app.hold: The job store " in server.log
        page.poll(running)
        assert running.status == "running"
    again = page.start("hold", "other", seq=3)
    page.wait_for("cancelled", running)
    server.release("other")
    page.wait_for("succeeded", again)


#: Runs a command in a mount namespace, where ``cache`` is a disk of 4 MB.
_SMALL_DISK = [
    *("unshare", "--mount", "sh", "-ec"),
    'mkdir -p cache; mount -t tmpfs -o size=4m none cache; exec "$@"',
    "sh",
]


def has_small_disks(folder: Path) -> bool:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    command = [*_SMALL_DISK, "true"]
    return subprocess.run(command, check=False, cwd=folder).returncode == 0


@pytest.fixture
def small(serve: Serve, tmp_path: Path) -> Server:
    """A server with a job store on a disk of 4 MB."""
    if not has_small_disks(tmp_path):
        pytest.skip("can't mount a disk")
    server = serve([*_SMALL_DISK, *command(max_concurrency=2)])
    server.wait_until_ready()
    return server


def test_result_that_is_larger_than_the_disk_fails_the_job(small: Server) -> None:
    page = small.page()
    with promised("6 s"):
        job = page.run("big", 2_000_000)
    assert job.status == "failed", job.snapshots
    assert job.error["type"] == "NotStored"
    assert "free space on its disk" in job.error["message"]
    # It was no outage: the store is as before.
    assert page.run("echo", 1).result == 1


def test_report_that_is_larger_than_the_disk_fails_the_job(small: Server) -> None:
    page = small.page()
    with promised("6 s"):
        job = page.run("end", "report too much")
    assert job.status == "failed", job.snapshots
    assert "A report does not fit" in job.error["message"]
    assert page.run("echo", 1).result == 1


def test_full_disk_holds_jobs_up_and_ends_none(small: Server) -> None:
    page = small.page()
    job = page.start("hold", "held")
    small.wait_for_file("held")
    filler = Path(f"/proc/{small.pid}/root", *small.file("cache/filler").parts[1:])
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1024))
    small.release("held")
    until(lambda: "full" in small.log, TIMEOUT)
    # Longer than the worker waits before it takes a result for too large.
    began = time.monotonic()
    until(lambda: time.monotonic() > began + 2 * FULL, TIMEOUT)
    page.poll(job)
    assert job.status == "running"
    filler.unlink()
    with promised("5 s"):
        page.wait_for("succeeded", job)
    assert job.result == "held"


def test_app_goes_on_with_a_new_store_where_its_own_was_removed(serve: Serve) -> None:
    """Threads and a dispatcher have it open, and none of them may go on with it."""
    server = serve(gunicorn(1))
    page = server.page()
    running = page.start("hold", "held")
    server.wait_for_file("held")
    before = server.dispatcher()
    shutil.rmtree(server.file("cache") / "long-jobs")
    reading = [[running.token, running.cursor]]
    first, second = (page.post("_dash-long-jobs/poll", reading) for _ in range(2))
    assert first.status == 503
    assert second.json["jobs"]["0"]["error"]["type"] == "UnknownJob"
    assert page.run("echo", "after").result == "after"
    until(lambda: not is_alive(before.pid), TIMEOUT)
