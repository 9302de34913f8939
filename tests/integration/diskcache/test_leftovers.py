"""What jobs leave in the store, in the user's cache and in the file system."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import diskcache
import psutil
import pytest

from tests.integration.conftest import Serve
from tests.integration.page import TIMEOUT, Page
from tests.integration.servers import Server, command, gunicorn, until_gone
from tests.promises import promised
from tests.waiting import until_equal

SECRET = "a-secret-of-one-user"


@pytest.fixture
def store(server: Server) -> Iterator[diskcache.Cache]:
    with diskcache.Cache(str(server.file("cache") / "long-jobs")) as cache:
        yield cache


def test_arguments_and_request_are_gone_when_the_job_has_ended(
    server: Server, store: diskcache.Cache
) -> None:
    page = server.page(f"session={SECRET}")
    job = page.start("hold", f"held-{SECRET}")
    server.wait_for_file(f"held-{SECRET}")
    assert any(SECRET in value for value in values(store))
    page.cancel(job)
    page.wait_for("cancelled", job)
    assert not any(SECRET in value for value in values(store))
    assert not [key for key in store.iterkeys() if key.startswith("call:")]


def test_no_record_is_a_pickle(page: Page, store: diskcache.Cache) -> None:
    page.run("echo")
    modes = {mode for (mode,) in store._sql("SELECT DISTINCT mode FROM Cache")}
    assert diskcache.core.MODE_PICKLE not in modes


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


def values(store: diskcache.Cache) -> list[str]:
    return [repr(store.get(key)) for key in store.iterkeys()]


def open_files(server: Server) -> dict[int, int]:
    dispatcher = server.dispatcher()
    found = {}
    for process in server.processes():
        # A worker comes or goes at any time.
        with suppress(psutil.NoSuchProcess, FileNotFoundError):
            if process.ppid() != dispatcher.pid:
                found[process.pid] = process.num_fds()
    return found
