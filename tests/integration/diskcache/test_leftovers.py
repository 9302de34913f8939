"""Jobs leave nothing in the store, in the user's cache and in the file system."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from dash_long_components.managers.diskcache.dispatcher.housekeeping import (
    PURGE_INTERVAL,
)
from dash_long_components.managers.store.database import FILE
from tests.integration.conftest import Serve
from tests.integration.page import TIMEOUT, Page
from tests.integration.servers import Server, command, gunicorn, until_gone
from tests.promises import promised
from tests.waiting import until, until_equal

SECRET = "a-secret-of-one-user"


def store_files(server: Server) -> list[Path]:
    """Return the files of the job store, its log among them."""
    return sorted((server.file("cache") / "long-jobs").iterdir())


@pytest.mark.parametrize("size", [10, 3000, 100_000])
def test_request_data_is_gone_from_all_files_soon_after_the_end(
    server: Server, size: int
) -> None:
    page = server.page(f"session={SECRET}")
    jobs = [page.start("hold", f"held-{n}") for n in range(3)]
    padded = page.start("echo", SECRET + "x" * size)
    server.wait_for_file("held-0")
    assert any(SECRET.encode() in path.read_bytes() for path in store_files(server))
    page.cancel(*jobs, padded)
    page.wait_for("cancelled", *jobs, padded)
    until(
        lambda: (
            not any(
                SECRET.encode() in path.read_bytes() for path in store_files(server)
            )
        ),
        PURGE_INTERVAL + 5.0,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="has no modes")
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_no_other_user_can_read_the_store(
    serve: Serve, tmp_path: Path, umask: int
) -> None:
    previous = os.umask(umask)
    try:
        server = serve(command(), tmp_path)
    finally:
        os.umask(previous)
    server.page().run("echo")
    files = store_files(server)
    assert len(files) == 3, files
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}
    assert oct(files[0].parent.stat().st_mode & 0o777) == "0o700"


def test_nothing_evicts_a_record(server: Server, page: Page) -> None:
    jobs = [page.run("echo", number) for number in range(5)]
    # The cache of the app holds 1000 bytes, and is filled, culled and cleared.
    assert page.run("evict").status == "succeeded"
    copies = [type(job)(job.handle) for job in jobs]
    page.poll(*copies)
    assert [copy.result for copy in copies] == list(range(5))


def test_random_numbers_differ_between_jobs(serve: Serve) -> None:
    page = serve(["env", "IMPORT_NUMPY=1", *command()]).page()
    draws = [page.run("draw").result for _ in range(6)]
    for generator in ("random", "numpy"):
        assert len({draw[generator] for draw in draws}) == 6


@pytest.mark.parametrize("how", ["python", "gunicorn"])
def test_two_hundred_jobs_leave_no_files_open(
    serve: Serve, how: str, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    start = command() if how == "python" else gunicorn(2)
    server = serve(["env", f"TMPDIR={temporary}", *start])
    page = server.page()

    def run(count: int) -> None:
        jobs = [page.start("echo", number) for number in range(count)]
        page.wait_for("succeeded", *jobs)

    run(40)
    files = open_files(server)
    run(200)
    after = open_files(server)
    assert after.keys() == files.keys()
    # Each thread of a server that answers a request has the store open, and closes
    # it some time after. A leak would be one file for each job at least.
    assert all(after[pid] <= files[pid] + 100 for pid in files), (files, after)
    until_gone(temporary.iterdir)


def test_records_go_when_their_time_is_over(serve: Serve) -> None:
    server = serve(command(result_ttl=0.3))
    page = server.page()
    # The dispatcher sweeps at its start, too.
    server.wait_until_ready()
    job = page.run("echo")

    def read() -> str:
        copy = type(job)(job.handle)
        page.poll(copy)
        return copy.error["type"] if copy.status == "lost" else copy.status

    with promised("result_ttl + 10 s", result_ttl=0.3):
        until_equal(read, "UnknownJob", TIMEOUT)


def test_records_go_though_the_dispatcher_died_and_no_page_is_open(
    serve: Serve,
) -> None:
    server = serve(command(result_ttl=3))
    server.page().run("echo")
    path = server.file("cache") / "long-jobs" / FILE

    def records() -> int:
        with closing(sqlite3.connect(path)) as database:
            (count,) = database.execute("SELECT count(*) FROM job").fetchone()
        return int(count)

    assert records() == 1
    with promised("result_ttl + start + 10 s", result_ttl=3, start=server.start_time):
        server.dispatcher().kill()
        until_equal(records, 0, TIMEOUT)


def open_files(server: Server) -> dict[int, int]:
    dispatcher = server.dispatcher()
    found = {}
    for process in server.processes():
        # A worker comes or goes at any time.
        with suppress(psutil.NoSuchProcess, FileNotFoundError):
            if process.ppid() != dispatcher.pid:
                found[process.pid] = process.num_fds()
    return found
