"""What a worker writes arrives, or the job ends with the reason."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from dash_long_components.core import reading
from dash_long_components.core.calls import Call
from dash_long_components.core.queueing import Sizes
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.status import Status
from dash_long_components.exceptions import JobEndedError, StoreFullError
from dash_long_components.managers.diskcache.worker.file_limit import FileLimit
from dash_long_components.managers.diskcache.worker.job_writer import (
    CANT_WRITE,
    FULL,
    LARGE,
    JobWriter,
)
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store import outages
from dash_long_components.managers.store.store import Store
from dash_long_components.running.outcome import Outcome
from tests.unit.fakes import id_of

BIG = b'"' + b"x" * LARGE + b'"'


class Disk:
    """A disk that may be full, by the clock of the test.

    Attributes:
        room: the largest result and report that it has room for, in bytes.
        error: what SQLite says to a larger one.
        now: seconds.
        free_at: when it has room for all again.
    """

    def __init__(self, store: Store) -> None:
        self.room = float("inf")
        self.error: Exception = sqlite3.OperationalError("database or disk is full")
        self.now = 1000.0
        self.free_at = float("inf")
        self._change = store.change

    def change(
        self,
        job_id: str,
        change: Callable[[Record], Record],
        result: bytes | None = None,
    ) -> Record:
        def measured(before: Record) -> Record:
            after = change(before)
            size = max(len(result or b""), len(repr(after)) - len(repr(before)))
            if size > self.room and self.now < self.free_at:
                raise self.error
            return after

        return self._change(job_id, measured, result)

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        assert self.now < 1100, "it waits for ever"
        self.now += seconds


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(str(tmp_path), 60)
    record = Record(id="job", task="module.task", code="v1", created=1, changed=1)
    call = Call(task="key", fingerprint="f", context={})
    store.submit(record, call, max_concurrency=10, max_queue=10)
    assert id_of(store.dispatching.take("v1", Process.current(), Sizes(10))) == "job"
    yield store
    store.close()


@pytest.fixture
def disk(store: Store) -> Iterator[Disk]:
    disk = Disk(store)
    with (
        mock.patch.object(store, "change", disk.change),
        mock.patch("time.sleep", disk.wait),
        mock.patch("time.monotonic", disk.clock),
    ):
        yield disk


@pytest.fixture
def limit() -> Iterator[mock.PropertyMock]:
    """Whether the job has limited the size of files for good."""
    with mock.patch.object(
        FileLimit, "is_lower", new_callable=mock.PropertyMock, return_value=False
    ) as is_lower:
        yield is_lower


@pytest.fixture
def writer(store: Store, disk: Disk, limit: mock.PropertyMock) -> JobWriter:
    return JobWriter(store, "job", "module.task", 1)


def succeeded(result: bytes = b"1") -> Outcome:
    return Outcome(status=Status.SUCCEEDED, result=result)


def test_report_and_end_arrive(store: Store, writer: JobWriter) -> None:
    writer.report(Report(title="data.csv"))
    assert reading.since(store.read("job"), 0).title == "data.csv"
    writer.end(succeeded())
    assert store.read("job").status is Status.SUCCEEDED
    assert store.result("job") == b"1"


def test_no_connection_stays_open_while_the_function_runs(
    store: Store, writer: JobWriter
) -> None:
    """It may close all descriptors, and open files of its own under their numbers."""
    actions: list[Callable[[], Any]] = [
        writer.is_unwanted,
        lambda: writer.report(Report(title="title")),
        lambda: writer.end(succeeded()),
    ]
    for action in actions:
        with mock.patch.object(store, "close", wraps=store.close) as close:
            action()
        close.assert_called()


def test_function_learns_that_its_job_has_ended(
    store: Store, writer: JobWriter
) -> None:
    assert not writer.is_unwanted()
    assert store.end("job", Status.CANCELLED)
    assert writer.is_unwanted()
    with pytest.raises(JobEndedError):
        writer.report(Report(title="title"))
    writer.end(succeeded())
    assert store.read("job").status is Status.CANCELLED


@pytest.mark.parametrize(
    "error",
    [
        sqlite3.OperationalError("database or disk is full"),
        sqlite3.DataError("string or blob too big"),
        OverflowError("BLOB longer than INT_MAX bytes"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_result_without_room_fails_the_job(
    store: Store,
    disk: Disk,
    writer: JobWriter,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    disk.room, disk.error = LARGE - 1, error
    writer.end(succeeded(BIG))
    record = store.read("job")
    assert record.status is Status.FAILED
    assert record.error is not None
    assert record.error.type == "NotStored"
    assert str(len(BIG)) in record.error.message
    assert "module.task failed" in caplog.text
    assert disk.now <= 1000 + FULL + outages.PAUSE


def test_large_result_waits_a_moment_for_room(
    store: Store, disk: Disk, writer: JobWriter
) -> None:
    disk.room, disk.free_at = LARGE - 1, 1000 + FULL - outages.PAUSE
    writer.end(succeeded(BIG))
    assert store.read("job").status is Status.SUCCEEDED


def test_small_result_waits_for_room_as_long_as_it_takes(
    store: Store, disk: Disk, writer: JobWriter
) -> None:
    disk.room, disk.free_at = 0, 1060
    writer.end(succeeded())
    assert store.read("job").status is Status.SUCCEEDED
    assert disk.now >= 1060


def test_report_without_room_is_an_error_that_says_what_to_do(
    store: Store, disk: Disk, writer: JobWriter
) -> None:
    disk.room = LARGE - 1
    with pytest.raises(StoreFullError, match="Report less, or free space on its disk"):
        writer.report(Report(title="x" * LARGE))
    writer.report(Report(title="short"))
    assert reading.since(store.read("job"), 0).title == "short"


def test_reports_are_dropped_while_the_limit_of_the_job_is_in_the_way(
    store: Store, disk: Disk, writer: JobWriter, limit: mock.PropertyMock
) -> None:
    disk.room, limit.return_value = 0, True
    writer.report(Report(title="title"))
    assert reading.since(store.read("job"), 0).title is None
    assert disk.now == 1000


def test_worker_exits_if_the_limit_of_the_job_keeps_it_from_any_write(
    store: Store, disk: Disk, writer: JobWriter, limit: mock.PropertyMock
) -> None:
    disk.room, limit.return_value = 0, True
    with (
        pytest.raises(SystemExit) as exit_,
        mock.patch.object(FileLimit, "lift") as lift,
    ):
        writer.end(succeeded())
    lift.assert_called_once_with()
    assert exit_.value.code == CANT_WRITE
    assert store.read("job").status is Status.RUNNING
    assert disk.now == 1000


@pytest.mark.parametrize("read", ["is_unwanted", "checkpoint"])
def test_fork_waits_for_a_read_of_another_thread(
    store: Store, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    """The child would have SQLite's locks for ever."""
    writer = JobWriter(store, "job", "module.task", 1)
    reads, may_end = threading.Event(), threading.Event()

    def hold(_job_id: str) -> bool:
        reads.set()
        assert may_end.wait(10)
        return True

    monkeypatch.setattr(store, read, hold)
    method = writer.is_unwanted if read == "is_unwanted" else writer.load
    with ThreadPoolExecutor(2) as threads:
        reading_thread = threads.submit(method)
        assert reads.wait(10)

        def fork() -> bool:
            with writer.fork():
                return may_end.is_set()

        forking = threads.submit(fork)
        # A job that asks in a loop does not wait for the other thread.
        assert writer.is_unwanted() is False
        may_end.set()
        assert forking.result()
        assert reading_thread.result()
