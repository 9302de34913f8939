"""Old records, queues of old code and the requests of ended jobs go in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from dash_long_components.core.calls import Call
from dash_long_components.core.records import Record
from dash_long_components.core.status import Status
from dash_long_components.managers.diskcache.dispatcher.housekeeping import (
    GRACE,
    PURGE_INTERVAL,
    SWEEP_INTERVAL,
    Housekeeping,
)
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.store import Store

RESULT_TTL = 60.0
ME = Process.current()
DEAD = Process(ME.pid, ME.started - 1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(str(tmp_path), RESULT_TTL)
    yield store
    store.close()


@pytest.fixture
def clock() -> Iterator[mock.Mock]:
    with mock.patch("time.monotonic", return_value=time.monotonic()) as clock:
        yield clock


def submit(store: Store, job_id: str, code: str = "v1") -> None:
    record = Record(id=job_id, task="task", code=code, created=1, changed=1)
    call = Call(task="key", fingerprint="f", context={})
    store.submit(record, call, max_concurrency=10, max_queue=10)


def test_queue_of_code_that_no_process_has_is_ended(
    store: Store, clock: mock.Mock
) -> None:
    store.registry.add_server("v1", ME, "app")
    store.registry.claim("old", DEAD, port=1, app="app")
    submit(store, "new")
    submit(store, "old", code="old")
    Housekeeping(store).run()
    record = store.read("old")
    assert record.status is Status.LOST
    assert record.error is not None
    assert "code of the app has changed" in record.error.message
    assert store.read("new").status is Status.QUEUED


def test_queue_waits_for_a_server_that_starts_again_while_another_app_lives(
    store: Store, clock: mock.Mock
) -> None:
    store.registry.add_server("other", ME, "other app")
    housekeeping = Housekeeping(store)

    def wait(seconds: float) -> Status:
        clock.return_value += seconds
        housekeeping.run()
        return store.read("job").status

    store.registry.add_server("v1", DEAD, "app")
    submit(store, "job")
    assert wait(0.0) is Status.QUEUED
    assert wait(GRACE - SWEEP_INTERVAL) is Status.QUEUED
    store.registry.add_server("v1", ME, "app")
    assert wait(SWEEP_INTERVAL) is Status.QUEUED
    store.registry.remove_server("v1", ME)
    store.registry.add_server("v1", DEAD, "app")
    # Its time begins again.
    assert wait(SWEEP_INTERVAL) is Status.QUEUED
    assert wait(GRACE - SWEEP_INTERVAL) is Status.QUEUED
    assert wait(SWEEP_INTERVAL) is Status.LOST
    assert "not started again" in str(store.read("job").error)


def test_records_are_swept_at_every_interval(store: Store, clock: mock.Mock) -> None:
    housekeeping = Housekeeping(store)
    housekeeping.run()
    submit(store, "job")
    store.end("job", Status.CANCELLED)
    clock.return_value += RESULT_TTL
    housekeeping.run()
    with pytest.raises(KeyError):
        store.read("job")
    submit(store, "next")
    store.end("next", Status.CANCELLED)
    with mock.patch.object(store, "sweep") as sweep:
        housekeeping.run()
        sweep.assert_not_called()
        clock.return_value += SWEEP_INTERVAL
        housekeeping.run()
        sweep.assert_called_once()


def test_requests_are_overwritten_once_after_each_end(
    store: Store, clock: mock.Mock
) -> None:
    housekeeping = Housekeeping(store)
    housekeeping.run()

    def purges() -> int:
        with mock.patch.object(store, "purge", return_value=is_purged) as purge:
            for _ in range(3):
                clock.return_value += PURGE_INTERVAL
                housekeeping.run()
            count: int = purge.call_count
            return count

    is_purged = True
    assert purges() == 0
    submit(store, "job")
    store.end("job", Status.CANCELLED)
    # A reader was in the way: try again.
    is_purged = False
    assert purges() == 3
    is_purged = True
    assert purges() == 1
