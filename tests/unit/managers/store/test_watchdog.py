"""Limits end jobs in time, and not before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from dash_long_components.core.calls import Call, Limits
from dash_long_components.core.ids import Ticket
from dash_long_components.core.job_errors import JobError
from dash_long_components.core.limits import EXIT_GRACE
from dash_long_components.core.queueing import Sizes
from dash_long_components.core.records import Record
from dash_long_components.core.retries import Retries
from dash_long_components.core.status import Status
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store import watchdog as module
from dash_long_components.managers.store.clock import Instant
from dash_long_components.managers.store.slots import Slot
from dash_long_components.managers.store.store import Store
from dash_long_components.managers.store.watchdog import Watchdog
from tests.unit.fakes import id_of

CALL = Call(task="key", fingerprint="f", context={})
ERROR = JobError(type="WorkerDied", message="", task="module.task")
ME = Process.current()


class Clock:
    """A clock that moves when it is told to; the one on the wall jumps about."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wall = 5e9

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        self.wall = -self.wall
        return abs(self.wall) + self.wall


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    with mock.patch("time.monotonic", clock.monotonic):
        yield clock


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(str(tmp_path), result_ttl=60)
    store.registry.add_server("v1", ME)
    store.registry.send_heartbeat(ME, answers_pages=True)
    yield store
    store.close()


@pytest.fixture
def watchdog(store: Store, clock: Clock) -> Watchdog:
    return Watchdog(store, "v1", store.registry.answers_pages)


def submit(
    store: Store,
    job_id: str = "job",
    queue_timeout: float | None = None,
    retries: Retries | None = None,
    **limits: Any,
) -> None:
    record = Record(
        id=job_id,
        task="module.task",
        code="v1",
        limits=Limits(**limits),
        retries=retries,
        created=1,
        changed=1,
    )
    store.submit(
        record, CALL, max_concurrency=1, max_queue=100, queue_timeout=queue_timeout
    )


def run(store: Store, **limits: Any) -> None:
    submit(store, **limits)
    assert id_of(store.dispatching.take("v1", ME, Sizes(1))) == "job"


def slot(deadline: float | None) -> Slot:
    return Slot(dispatcher=ME, worker=None, deadline=deadline, run=1, is_running=True)


def cancel(store: Store, job_id: str) -> None:
    """Cancel a job that one has asked for."""
    store.leave(Ticket(job=job_id, requester="0"))


def test_job_without_limits_goes_on(
    store: Store, watchdog: Watchdog, clock: Clock
) -> None:
    run(store)
    clock.now += 1e9
    assert not watchdog.must_stop("job", slot(None))
    assert watchdog.wait(1.0) == 1.0


def test_next_attempt_is_waited_for_to_the_second(
    store: Store, watchdog: Watchdog
) -> None:
    with mock.patch("time.time", return_value=100.0) as wall:
        retries = Retries(times=1, lost=True, backoff=8.0)
        submit(store, retries=retries)
        assert id_of(store.dispatching.take("v1", ME, Sizes(1))) == "job"
        assert watchdog.wait(1.0) == 1.0
        with mock.patch("random.random", return_value=0.0):
            store.dispatching.end_attempt("job", slot(None), Status.LOST, ERROR)
        assert watchdog.wait(1.0) == 1.0
        assert watchdog.wait(60.0) == 8.0
        wall.return_value = 107.75
        assert watchdog.wait(1.0) == 0.25


def test_job_that_runs_for_too_long_times_out(
    store: Store,
    watchdog: Watchdog,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run(store, timeout=5.0)
    deadline = clock.now + 5.0
    assert not watchdog.must_stop("job", slot(deadline))
    clock.now += 4.7
    assert not watchdog.must_stop("job", slot(deadline))
    assert watchdog.wait(1.0) == pytest.approx(0.3)
    clock.now += 0.3
    assert watchdog.must_stop("job", slot(deadline))
    record = store.read("job")
    assert record.status is Status.TIMED_OUT
    assert record.error
    assert "Timed out after 5 s" in record.error.message
    assert "Timed out after 5 s" in caplog.text
    assert record.task in caplog.text


def test_job_that_is_cancelled_ends_at_once(store: Store, watchdog: Watchdog) -> None:
    run(store)
    cancel(store, "job")
    assert watchdog.must_stop("job", slot(None))


def test_job_that_wants_to_be_asked_has_its_time(
    store: Store, watchdog: Watchdog, clock: Clock
) -> None:
    run(store, cancel_grace=3.0)
    cancel(store, "job")
    assert not watchdog.must_stop("job", slot(None))
    clock.now += 2.5
    assert not watchdog.must_stop("job", slot(None))
    assert watchdog.wait(1.0) == pytest.approx(0.5)
    clock.now += 0.5
    assert watchdog.must_stop("job", slot(None))


def test_time_that_is_over_during_the_grace_ends_it_as_cancelled(
    store: Store, watchdog: Watchdog, clock: Clock
) -> None:
    run(store, cancel_grace=3.0, timeout=1.0)
    cancel(store, "job")
    assert not watchdog.must_stop("job", slot(clock.now + 1.0))
    assert watchdog.must_stop("job", slot(clock.now))
    assert store.read("job").status is Status.CANCELLED


def test_worker_of_an_ended_job_may_take_a_while_to_exit(
    store: Store, watchdog: Watchdog, clock: Clock
) -> None:
    run(store)
    store.end("job", Status.FAILED)
    assert not watchdog.must_stop("job", slot(None))
    clock.now += EXIT_GRACE
    assert watchdog.must_stop("job", slot(None))
    watchdog.forget("job")
    assert not watchdog.must_stop("job", slot(None))


def test_worker_of_no_job_must_stop(watchdog: Watchdog) -> None:
    assert watchdog.must_stop("unknown", slot(None))


def test_job_that_waits_for_too_long_expires(
    store: Store, watchdog: Watchdog, clock: Clock
) -> None:
    submit(store, "first", queue_timeout=10.0)
    clock.now += 5.0
    submit(store, "second", queue_timeout=10.0)
    clock.now += 4.9
    with mock.patch("time.time", clock.time):
        watchdog.end_expired()
        assert store.read("first").status is Status.QUEUED
        clock.now += 0.1
        watchdog.end_expired()
    first = store.read("first")
    assert first.status is Status.TIMED_OUT
    assert first.error
    assert "Expired in the queue" in first.error.message
    assert store.read("second").status is Status.QUEUED
    assert id_of(store.dispatching.take("v1", ME, Sizes(1))) == "second"


def test_job_that_expired_without_a_dispatcher_does_not_begin(
    store: Store, clock: Clock
) -> None:
    submit(store, queue_timeout=10.0)
    clock.now += 1000.0
    Watchdog(store, "v1", lambda: True).end_expired()
    assert store.dispatching.take("v1", ME, Sizes(1)) is None
    assert store.read("job").status is Status.TIMED_OUT


def test_job_that_runs_does_not_expire(
    store: Store, watchdog: Watchdog, clock: Clock
) -> None:
    submit(store, queue_timeout=10.0)
    assert id_of(store.dispatching.take("v1", ME, Sizes(1))) == "job"
    clock.now += 1000.0
    watchdog.end_expired()
    assert store.read("job").status is Status.RUNNING


def test_job_whose_page_is_gone_is_cancelled(
    store: Store, watchdog: Watchdog, clock: Clock
) -> None:
    submit(store, leave_timeout=10.0)
    for _ in range(10):
        watchdog.end_left()
        assert store.read("job").status is Status.QUEUED
        clock.now += 1.0
    clock.now += 1.0
    watchdog.end_left()
    assert store.read("job").status is Status.CANCELLED
    assert store.requesters.left(0.0, clock.now + 1e6) == []


def test_running_job_whose_page_is_gone_is_asked_once(
    store: Store, watchdog: Watchdog, clock: Clock
) -> None:
    run(store, leave_timeout=2.0, cancel_grace=60.0)
    for _ in range(10):
        watchdog.end_left()
        clock.now += 1.0
    record = store.read("job")
    assert record.cancel_requested
    assert record.cursor == 3


def test_no_page_leaves_while_there_is_no_server(
    store: Store, watchdog: Watchdog, clock: Clock
) -> None:
    submit(store, leave_timeout=5.0)
    store.registry.remove_server("v1", ME)
    for _ in range(100):
        watchdog.end_left()
        clock.now += 1.0
    # It is back, with other code; and the pages have their time again.
    store.registry.add_server("v2", ME)
    store.registry.send_heartbeat(ME, answers_pages=True)
    for _ in range(5):
        watchdog.end_left()
        clock.now += 1.0
    assert store.read("job").status is Status.QUEUED
    for _ in range(2):
        watchdog.end_left()
        clock.now += 1.0
    assert store.read("job").status is Status.CANCELLED


def test_dispatcher_that_was_held_up_gives_pages_their_time_again(
    store: Store, watchdog: Watchdog, clock: Clock
) -> None:
    submit(store, leave_timeout=10.0)
    watchdog.end_left()
    clock.now += module.STALLED + 100.0
    watchdog.end_left()
    assert store.read("job").status is Status.QUEUED


def test_ended_job_is_expected_no_more(store: Store, clock: Clock) -> None:
    submit(store, leave_timeout=10.0)
    store.end("job", Status.CANCELLED)
    assert store.requesters.left(0.0, clock.now + 1e6) == []


def test_dropped_queue_leaves_nothing_to_expire(store: Store, clock: Clock) -> None:
    submit(store, queue_timeout=10.0)
    store.dispatching.drop_queue("v1", "reason")
    assert store.read("job").status is Status.LOST
    clock.now += 100.0
    store.dispatching.expire_queue("v1", Instant.now())
    assert store.read("job").status is Status.LOST


def test_script_is_no_server_that_pages_could_poll(
    store: Store, watchdog: Watchdog, clock: Clock
) -> None:
    run(store, leave_timeout=30.0)
    store.registry.add_server("v1", ME)  # a script, that has answered no page

    def look(*seconds: float) -> bool:
        for pause in seconds:
            clock.now += pause
            watchdog.end_left()
        return store.read("job").cancel_requested

    assert not look(*[module.STALLED] * 20)
    store.registry.send_heartbeat(ME, answers_pages=True)
    assert not look(0.0, *[module.STALLED] * 5)
    assert look(*[module.STALLED] * 2)
