"""A store has each job, its call and its result for as long as they are needed."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from unittest import mock

import diskcache
import pytest

from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.status import Status
from dash_long_components.exceptions import JobEndedError
from dash_long_components.managers.store.store import Store
from tests.rows import row_counts
from tests.unit.managers.store.made import (
    CALL,
    cancel,
    status,
    submit,
    succeed,
    take,
    waiting,
)


def test_call_is_there_until_the_job_ends(store: Store) -> None:
    submit(store, "job")
    take(store)
    assert store.call("job") == CALL
    succeed(store, "job")
    assert store.call("job") is None


@pytest.mark.parametrize("end", [Status.FAILED, Status.LOST, Status.CANCELLED])
def test_result_is_kept_of_a_success_only(store: Store, end: Status) -> None:
    submit(store, "job")
    take(store)
    store.change("job", lambda job: job.end(end, 1.0), b"1")
    assert store.result("job") is None


def test_result_of_a_job_that_was_cancelled_is_not_kept(store: Store) -> None:
    submit(store, "job")
    take(store)
    cancel(store, "job")
    succeed(store, "job")
    assert status(store, "job") is Status.CANCELLED
    assert store.result("job") is None
    assert store.durations.median("module.task") is None


def test_change_that_fails_changes_nothing(store: Store) -> None:
    submit(store, "job")
    before = store.read("job")

    def fail(_record: Record) -> Record:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        store.change("job", fail, b"1")
    assert store.read("job") == before
    assert waiting(store) == 1


def test_submit_that_fails_leaves_nothing(store: Store) -> None:
    with (
        mock.patch.object(store.queue, "add", side_effect=RuntimeError("no")),
        pytest.raises(RuntimeError, match="no"),
    ):
        submit(store, "job")
    with pytest.raises(KeyError):
        store.read("job")
    assert waiting(store) == 0
    assert store.call("job") is None


def test_ended_job_stays_as_it_ended(store: Store) -> None:
    submit(store, "job")
    take(store)
    succeed(store, "job", b"the result")
    before = store.read("job")
    store.end("job", Status.LOST)
    cancel(store, "job")
    with pytest.raises(JobEndedError):
        succeed(store, "job", b"another")
    assert store.read("job") == before
    assert store.result("job") == b"the result"


def test_unknown_job_is_no_error_to_end_or_cancel(store: Store) -> None:
    store.end("unknown", Status.LOST)
    cancel(store, "unknown")
    with pytest.raises(KeyError):
        store.read("unknown")


def test_no_change_of_many_threads_is_lost(store: Store) -> None:
    submit(store, "job")
    take(store)

    def report(_: int) -> None:
        for _ in range(20):
            store.change("job", lambda job: job.report(1.0, Report()))
        store.close()

    cursor = store.read("job").cursor
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(report, range(4)))
    assert store.read("job").cursor == cursor + 80


@pytest.fixture
def clock() -> Iterator[mock.Mock]:
    with mock.patch("time.monotonic", return_value=1000.0) as clock:
        yield clock


@pytest.fixture
def wall() -> Iterator[mock.Mock]:
    with mock.patch("time.time", return_value=1_000_000.0) as wall:
        yield wall


def test_store_goes_along_to_a_worker_that_is_spawned(store: Store) -> None:
    submit(store, "job")
    with closing(pickle.loads(pickle.dumps(store))) as there:
        assert status(there, "job") is Status.QUEUED


def test_any_number_of_records_go_at_once(store: Store, clock: mock.Mock) -> None:
    for number in range(250):
        submit(store, f"job-{number}", max_queue=1000)
        store.end(f"job-{number}", Status.CANCELLED)
    clock.return_value += 61
    store.sweep()
    counts = row_counts(store)
    assert (counts["job"], counts["tally"]) == (0, 0)


def test_record_goes_when_its_time_is_over(
    store: Store, clock: mock.Mock, wall: mock.Mock
) -> None:
    for job_id in ("ended", "running", "queued"):
        submit(store, job_id)
    take(store)
    take(store)
    succeed(store, "ended")
    clock.return_value += 59
    store.sweep()
    assert store.result("ended") == b"1"
    assert status(store, "ended") is Status.SUCCEEDED
    # A machine that slept, or whose clock was wrong, has not had that time.
    wall.return_value += 10**9
    store.sweep()
    assert store.result("ended") == b"1"
    clock.return_value += 2
    store.sweep()
    assert row_counts(store)["job"] == 2
    with pytest.raises(KeyError):
        store.read("ended")
    assert store.result("ended") is None
    # Live jobs never expire.
    clock.return_value += 10**9
    store.sweep()
    assert status(store, "running") is Status.RUNNING
    assert status(store, "queued") is Status.QUEUED


def test_record_goes_after_a_restart_of_the_machine(
    store: Store, clock: mock.Mock, wall: mock.Mock
) -> None:
    submit(store, "ended")
    take(store)
    succeed(store, "ended")
    # The monotonic clock starts again, so that the end seems to come later than now.
    clock.return_value = 10.0
    wall.return_value += 59
    store.sweep()
    assert store.result("ended") == b"1"
    wall.return_value += 2
    store.sweep()
    assert store.result("ended") is None


def test_nothing_is_evicted(store: Store) -> None:
    for number in range(50):
        submit(store, f"job-{number}")
        take(store)
        succeed(store, f"job-{number}", b"x" * 10_000)
    assert {len(store.result(f"job-{n}") or b"") for n in range(50)} == {10_000}


def test_every_file_of_a_store_is_used(store: Store, tmp_path: Path) -> None:
    submit(store, "job")
    take(store)
    succeed(store, "job", b"x" * 1_000_000)
    assert {path.name for path in (tmp_path / "jobs").iterdir()} <= {
        *("jobs.cache.db", "jobs.cache.db-wal", "jobs.cache.db-shm")
    }


def test_cache_around_the_store_finds_nothing_wrong(tmp_path: Path) -> None:
    with diskcache.Cache(str(tmp_path)) as cache:
        store = Store(str(tmp_path / "long-jobs"), 60)
        submit(store, "job")
        assert cache.check(fix=True) == []
        cache.clear()
        assert status(store, "job") is Status.QUEUED
        store.close()


def test_secret_is_made_once(store: Store, tmp_path: Path) -> None:
    other = Store(str(tmp_path / "jobs"), 60)
    assert len(store.secret()) >= 32
    assert other.secret() == store.secret()
    other.close()
    third = Store(str(tmp_path / "elsewhere"), 60)
    assert third.secret() != store.secret()
    third.close()


def test_jobs_are_read_together(store: Store) -> None:
    submit(store, "waits")
    submit(store, "runs")
    store.change("runs", lambda job: job.start(1.0))
    found = store.read_all(["runs", "missing", "waits"])
    assert found == {"runs": store.read("runs"), "waits": store.read("waits")}
    assert store.read_all([]) == {}


def test_job_that_is_read_again_shows_what_has_changed(store: Store) -> None:
    submit(store, "job")
    assert store.read_all(["job"])["job"].status is Status.QUEUED
    store.change("job", lambda job: job.start(1.0))
    assert store.read_all(["job"])["job"].status is Status.RUNNING
