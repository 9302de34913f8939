"""Dispatchers take jobs, each once, and end them; one that has died is replaced."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from dash_long_components.core.job_errors import JobError
from dash_long_components.core.records import Record
from dash_long_components.core.retries import Retries
from dash_long_components.core.status import Status
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.clock import Instant
from dash_long_components.managers.store.slots import Slot
from dash_long_components.managers.store.store import Store
from tests.unit.managers.store.made import (
    CALL,
    DEAD,
    ME,
    cancel,
    schedule,
    status,
    submit,
    succeed,
    take,
)

ERROR = JobError(type="WorkerDied", message="", task="task")


def slot(run: int, by: Process = ME, worker: Process | None = None) -> Slot:
    return Slot(dispatcher=by, worker=worker, deadline=None, run=run, is_running=True)


def port_of(store: Store, code: str) -> int | None:
    dispatcher = store.registry.dispatcher(code)
    return dispatcher.port if dispatcher else None


def test_job_that_is_taken_runs_and_has_a_place(store: Store) -> None:
    submit(store, "job")
    assert take(store) == "job"
    assert status(store, "job") is Status.RUNNING
    assert store.slots.all() == {"job": slot(1)}


def test_slot_of_an_ended_run_is_freed_as_it_was_read(store: Store) -> None:
    submit(store, "job")
    assert take(store) == "job"
    before = store.slots.get("job")
    assert before is not None
    assert store.slots.register("job", ME, 1)
    succeed(store, "job")
    store.slots.free("job", before)  # a worker has come to it since
    found = store.slots.get("job")
    assert found is not None
    assert (found.worker, found.is_running) == (ME, False)
    store.slots.free("job", replace(found, dispatcher=DEAD))
    assert store.slots.get("job") == found
    store.slots.free("job", found)
    assert store.slots.get("job") is None


def test_no_more_are_taken_than_there_are_places(store: Store) -> None:
    for number in range(4):
        submit(store, f"job-{number}")
    submit(store, "other", code="v2")
    assert [take(store, 2) for _ in range(3)] == ["job-0", "job-1", None]
    # Over all versions of the code.
    assert take(store, 2, code="v2") is None
    store.slots.release("job-0")
    assert take(store, 2, code="v2") == "other"
    assert take(store, 2) is None


def test_job_that_was_cancelled_is_not_taken(store: Store) -> None:
    for number in range(3):
        submit(store, f"job-{number}")
    cancel(store, "job-0")
    cancel(store, "job-1")
    assert take(store) == "job-2"
    assert status(store, "job-0") is Status.CANCELLED


def test_queues_of_code_versions_are_apart(store: Store) -> None:
    submit(store, "old", code="v1")
    submit(store, "new", code="v2")
    assert take(store, code="v2") == "new"
    assert take(store, code="v2") is None
    assert take(store, code="v1") == "old"


def test_two_threads_never_take_the_same_job(store: Store) -> None:
    for number in range(40):
        submit(store, f"job-{number}")

    def take_all(_: int) -> list[str]:
        taken = list(iter(lambda: take(store), None))
        store.close()
        return [job_id for job_id in taken if job_id is not None]

    with ThreadPoolExecutor(4) as pool:
        taken = [job_id for each in pool.map(take_all, range(4)) for job_id in each]
    assert sorted(taken) == sorted(f"job-{number}" for number in range(40))


def test_job_that_has_ended_gets_no_worker(store: Store) -> None:
    submit(store, "job")
    take(store)
    store.end("job", Status.LOST)
    assert "job" in store.slots.all()
    assert not store.slots.register("job", ME, 1)


def test_one_dispatcher_at_a_time(store: Store) -> None:
    parent = Process.of(1)
    assert store.registry.claim("v1", parent, port=1)
    assert not store.registry.claim("v1", ME, port=2)
    assert store.registry.claim("v1", parent, port=1, tasks={})
    assert port_of(store, "v1") == 1
    assert store.registry.claim("v2", ME, port=3)


def test_dead_dispatcher_is_replaced(store: Store) -> None:
    assert store.registry.claim("v1", DEAD, port=1)
    assert store.registry.claim("v1", ME, port=2)
    assert port_of(store, "v1") == 2


def test_dispatcher_does_not_resign_while_jobs_wait(store: Store) -> None:
    store.registry.claim("v1", ME, port=1)
    submit(store, "job")
    assert not store.dispatching.resign("v1")
    take(store)
    assert store.dispatching.resign("v1")
    assert store.registry.dispatcher("v1") is None


def test_held_jobs_need_no_dispatcher_but_are_found_when_their_code_is_gone(
    store: Store,
) -> None:
    store.registry.claim("v1", DEAD, port=1)
    submit(store, "queued")
    store.change_halts(lambda halts: halts.pause("module.task"))
    submit(store, "held")
    assert store.queue.is_empty("v1")
    assert store.dispatching.resign("v1")
    assert store.registry.abandoned() == {"v1": False}
    store.dispatching.drop_queue("v1", "because")
    assert status(store, "queued") is Status.LOST
    assert status(store, "held") is Status.LOST
    assert store.registry.abandoned() == {}
    assert store.dispatching.resign("v1")


def test_only_living_clients_count(store: Store) -> None:
    assert not store.registry.has_servers("v1")
    store.registry.add_server("v1", DEAD)
    assert not store.registry.has_servers("v1")
    store.registry.add_server("v1", ME)
    store.registry.add_server("v1", ME)
    assert store.registry.has_servers("v1")
    assert not store.registry.has_servers("v2")
    store.registry.remove_server("v1", ME)
    store.registry.remove_server("v1", ME)
    assert not store.registry.has_servers("v1")


def test_worker_without_a_place_must_not_run(store: Store) -> None:
    submit(store, "job")
    take(store)
    assert store.slots.register("job", ME, 1)
    store.slots.release("job")
    store.slots.release("job")
    assert not store.slots.register("job", ME, 1)


def test_queue_that_is_dropped_ends_its_jobs(store: Store) -> None:
    store.registry.add_server("v1", DEAD)
    submit(store, "running")
    take(store)
    for number in range(3):
        submit(store, f"job-{number}")
    submit(store, "other", code="v2")
    assert store.registry.abandoned() == {"v1": False}
    store.dispatching.drop_queue("v1", "because")
    for number in range(3):
        record = store.read(f"job-{number}")
        assert record.status is Status.LOST
        assert record.error
        assert record.error.message == "because"
    assert status(store, "running") is Status.RUNNING
    assert status(store, "other") is Status.QUEUED
    store.slots.release("running")
    store.dispatching.drop_queue("v1", "because")
    assert store.registry.abandoned() == {}


ONE: dict[str, Any] = {"concurrency": 1, "group": "one"}


def test_slot_of_a_group_is_free_when_the_worker_is_gone(store: Store) -> None:
    schedule(store, "first", **ONE)
    schedule(store, "second", **ONE)
    assert [take(store), take(store)] == ["first", None]
    succeed(store, "first")
    # Its function may still run.
    assert take(store) is None
    store.slots.release("first")
    assert take(store) == "second"


def test_attempt_that_comes_too_late_does_not_start(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    retries = Retries(times=1, lost=True, backoff=60, total_timeout=90)
    record = Record(
        id="job", task="task", code="v1", created=now, changed=now, retries=retries
    )
    store.submit(record, CALL, max_concurrency=1, max_queue=9)
    submit(store, "next")
    assert take(store, 1) == "job"
    store.dispatching.end_attempt("job", slot(1), Status.LOST, ERROR)
    store.slots.release("job")
    assert take(store, 1) == "next"
    # The only slot was taken for long.
    monkeypatch.setattr(time, "time", lambda: now + 100)
    store.slots.release("next")
    assert take(store, 1) is None
    assert status(store, "job") is Status.TIMED_OUT


def test_job_between_attempts_waits_outside_of_slots_for_its_time(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    retries = Retries(times=1, lost=True, backoff=60)
    record = Record(
        id="job", task="task", code="v1", created=now, changed=now, retries=retries
    )
    store.submit(record, CALL, max_concurrency=1, max_queue=9, queue_timeout=1)
    submit(store, "next")
    assert take(store, 1) == "job"
    assert store.slots.register("job", ME, 1)
    assert (
        store.dispatching.end_attempt("job", slot(1, DEAD), Status.LOST, ERROR) is None
    )
    after = store.dispatching.end_attempt("job", slot(1), Status.LOST, ERROR)
    assert after is not None
    assert after.status is Status.QUEUED
    assert store.dispatching.end_attempt("job", slot(1), Status.LOST, ERROR) is None
    assert take(store, 1) is None  # its worker still has the slot
    store.slots.release("job")
    assert take(store, 1) == "next"
    assert store.end("next", Status.SUCCEEDED)
    store.slots.release("next")
    assert not store.queue.is_empty("v1")
    assert 0 < (store.queue.next_try("v1") or 0) <= 60
    assert store.call("job") == CALL
    # The limit of the queue was for its first start.
    store.dispatching.expire_queue("v1", Instant(time.monotonic() + 99, now + 99))
    assert take(store, 1) is None
    monkeypatch.setattr(time, "time", lambda: now + 61)
    assert take(store, 1) == "job"
    assert not store.slots.register("job", ME, 1)  # a worker of the first attempt
    assert store.slots.register("job", ME, 2)
    # A dispatcher that was held up since the first attempt.
    assert store.dispatching.end_attempt("job", slot(1), Status.LOST, ERROR) is None
    assert store.dispatching.close_slot("job", slot(1), Status.LOST, ERROR) is None
    assert store.slots.get("job") == slot(2, worker=ME)
    last = store.dispatching.close_slot("job", slot(2, worker=ME), Status.LOST, ERROR)
    assert last is not None
    assert (last.status, store.call("job")) == (Status.LOST, None)
    assert store.slots.get("job") is None
