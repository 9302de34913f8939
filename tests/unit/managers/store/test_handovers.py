"""Jobs that stop at a checkpoint go on with another dispatcher, and none is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from dash_long_components.core.calls import Call
from dash_long_components.core.ids import Ticket
from dash_long_components.core.job_errors import JobError
from dash_long_components.core.lanes import Lane, Retrigger
from dash_long_components.core.queueing import Sizes
from dash_long_components.core.records import Record
from dash_long_components.core.retries import Retries
from dash_long_components.core.status import Status
from dash_long_components.managers.diskcache.dispatcher.takeover import (
    UNCLAIMED,
    Takeover,
)
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.store import Store
from tests.rows import row_counts

OLD, NEW = Process(1, 0.0), Process.current()
RETRIES = Retries(times=1, lost=True)
ERROR = JobError(type="WorkerDied", message="", task="task")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(str(tmp_path), result_ttl=60)
    yield store
    store.close()


def submit(
    store: Store, job_id: str, key: str | None = None, lane: Lane | None = None
) -> None:
    now = time.time()
    record = Record(
        id=job_id,
        task="task",
        code="v1",
        key=key,
        created=now,
        changed=now,
        retries=RETRIES,
    )
    call = Call(task="key", fingerprint="f", context={}, retries=RETRIES)
    store.submit(record, call, max_concurrency=9, max_queue=9, lane=lane)


def run(
    store: Store, job_id: str, key: str | None = None, lane: Lane | None = None
) -> None:
    """Submit a job, and start it in the old dispatcher."""
    submit(store, job_id, key, lane)
    assert store.dispatching.take("v1", OLD, Sizes(9))


def hand_over(store: Store, job_id: str) -> None:
    store.change(job_id, lambda record: record.hand_over(time.time()))
    store.slots.release(job_id)


def test_only_jobs_that_save_checkpoints_are_asked_to_stop(store: Store) -> None:
    run(store, "saves")
    run(store, "saves not")
    assert not store.save_checkpoint("saves", 1, "j1")
    assert store.dispatching.ask_for_handover(NEW) == set()
    assert store.dispatching.ask_for_handover(OLD) == {"saves"}
    assert store.save_checkpoint("saves", 1, "j2")
    hand_over(store, "saves")
    assert store.handovers.asked(OLD) == set()
    assert store.dispatching.take("v1", OLD, Sizes(9)) is None


def test_job_that_is_handed_over_needs_a_dispatcher_of_any_code(store: Store) -> None:
    run(store, "job")
    hand_over(store, "job")
    store.handovers.add(store.read("job"))
    store.dispatching.abandon_queue("v1", "It has changed.")
    assert store.dispatching.has_work("v2")
    store.end("job", Status.FAILED)
    assert not store.dispatching.has_work("v2")


@pytest.mark.parametrize("code", ["v1", "v2"])
def test_job_goes_on_with_the_dispatcher_of_any_code_that_has_its_task(
    store: Store, code: str
) -> None:
    run(store, "job", key="same")
    store.save_checkpoint("job", 1, "j1")
    store.dispatching.ask_for_handover(OLD)
    hand_over(store, "job")
    takeover = Takeover(store, code)
    takeover.run({"key"})
    # No server wants that dispatcher.
    assert store.dispatching.take(code, NEW, Sizes(9)) is None
    store.registry.add_server(code, NEW)
    takeover.run({"key"})
    record = store.dispatching.take(code, NEW, Sizes(9))
    assert record is not None
    assert (record.code, record.attempt, record.run) == (code, 1, 2)
    assert store.checkpoint("job") == "j1"
    assert not store.slots.register("job", OLD, 1)
    assert store.slots.register("job", NEW, 2)
    assert not store.save_checkpoint("job", 2, "j2")
    assert store.end("job", Status.FAILED)
    assert row_counts(store)["handover"] == 0


def test_job_waits_for_a_dispatcher_that_knows_its_task(store: Store) -> None:
    run(store, "job")
    store.save_checkpoint("job", 1, "j1")
    store.dispatching.ask_for_handover(OLD)
    hand_over(store, "job")
    store.registry.add_server("other", NEW)
    takeover = Takeover(store, "other")
    takeover.run({"another key"})
    assert store.read("job").status is Status.QUEUED
    with mock.patch("time.monotonic", return_value=time.monotonic() + UNCLAIMED):
        takeover.run({"another key"})
    record = store.read("job")
    assert record.status is Status.LOST
    assert record.error is not None
    assert "no longer has this callback" in record.error.message
    assert row_counts(store)["handover"] == 0


def test_job_is_left_to_its_own_code_while_a_server_has_it(store: Store) -> None:
    run(store, "job")
    store.save_checkpoint("job", 1, "j1")
    store.dispatching.ask_for_handover(OLD)
    hand_over(store, "job")
    store.registry.add_server("v1", NEW)
    store.registry.add_server("v2", NEW)
    for code in ("v2", "other"):
        takeover = Takeover(store, code)
        store.registry.add_server(code, NEW)
        takeover.run({"key"})
        with mock.patch("time.monotonic", return_value=time.monotonic() + UNCLAIMED):
            takeover.run({"another key"})
        assert [job.code for job in store.dispatching.handed_over()] == ["v1"]
    store.registry.remove_server("v1", NEW)
    Takeover(store, "v2").run({"key"})
    assert store.dispatching.take("v2", NEW, Sizes(9)) is not None


def test_job_whose_function_was_sent_needs_no_dispatcher_that_knows_it(
    store: Store,
) -> None:
    run(store, "job")
    store.give_function("job", "pickled")
    store.save_checkpoint("job", 1, "j1")
    store.dispatching.ask_for_handover(OLD)
    hand_over(store, "job")
    store.registry.add_server("v2", NEW)
    Takeover(store, "v2").run({"another key"})
    assert store.dispatching.take("v2", NEW, Sizes(9)) is not None


def test_jobs_that_have_begun_wait_until_a_drain_is_over(store: Store) -> None:
    run(store, "tried")
    run(store, "runs")
    slot = store.slots.get("tried")
    assert slot is not None
    store.dispatching.close_slot("tried", slot, Status.LOST, ERROR)
    store.change_halts(lambda halts: halts.drain(time.time() + 60))
    assert store.save_checkpoint("runs", 1, "j1")
    hand_over(store, "runs")
    assert store.queue.is_empty("v1")
    assert store.dispatching.handed_over() == []
    # The code has gone. Jobs that have begun stay.
    store.dispatching.abandon_queue("v1", "It has changed.")
    store.change_halts(lambda halts: halts.resume(None))
    assert {job.id for job in store.dispatching.handed_over()} == {"tried", "runs"}
    store.dispatching.drop_queue("v1", "Ctrl-C ends all.")
    assert store.dispatching.handed_over() == []


def test_equal_calls_of_new_code_do_not_run_beside_a_job_that_comes(
    store: Store,
) -> None:
    run(store, "job", key="same")
    store.save_checkpoint("job", 1, "j1")
    store.dispatching.ask_for_handover(OLD)
    hand_over(store, "job")
    now = time.time()
    record = Record(
        id="new", task="task", code="v2", key="same", created=now, changed=now
    )
    call = Call(task="key", fingerprint="f", context={})
    store.submit(record, call, max_concurrency=9, max_queue=9)
    store.dispatching.take_over("job", "v2")
    store.dispatching.take_over("job", "v2")
    assert store.dispatching.take("v2", NEW, Sizes(9)) is not None
    assert store.dispatching.take("v2", NEW, Sizes(9)) is None
    store.leave(Ticket(job="new", requester="0"))
    store.end("new", Status.CANCELLED)
    assert store.dispatching.take("v2", NEW, Sizes(9)) is not None


def test_job_behind_one_that_is_handed_over_ends_after_it(store: Store) -> None:
    store.registry.add_server("v1", OLD)
    lane = Lane(name="lane", seq=1, retrigger=Retrigger.QUEUE)
    run(store, "job", lane=lane)
    submit(store, "behind", lane=replace(lane, seq=2))
    store.save_checkpoint("job", 1, "j1")
    store.dispatching.ask_for_handover(OLD)
    hand_over(store, "job")
    store.dispatching.abandon_queue("v1", "It has changed.")
    assert store.dispatching.resign("v1")
    store.dispatching.take_over("job", "v2")
    assert store.dispatching.take("v2", NEW, Sizes(9)) is not None
    store.dispatching.abandon_queue("v1", "It has changed.")
    assert store.read("behind").status is Status.QUEUED
    store.end("job", Status.FAILED)
    assert store.registry.abandoned() == {"v1": False}
    store.dispatching.abandon_queue("v1", "It has changed.")
    assert store.read("behind").status is Status.LOST
    assert store.registry.abandoned() == {}
