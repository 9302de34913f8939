"""A new trigger has the effect on its lane that the callback says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dash_long_components.core.calls import Destination
from dash_long_components.core.lanes import Lane, Retrigger
from dash_long_components.core.records import Record
from dash_long_components.core.status import Status
from dash_long_components.managers.store.store import Store
from tests.rows import row_counts
from tests.unit.managers.store.made import (
    CALL,
    DEAD,
    cancel,
    status,
    submit,
    succeed,
    take,
    waiting,
)


def lane(retrigger: Retrigger, seq: int, name: str = "lane") -> Lane:
    return Lane(name=name, seq=seq, retrigger=retrigger)


def test_later_trigger_replaces_the_earlier(store: Store) -> None:
    submit(store, "running", lane=lane(Retrigger.REPLACE, 1))
    take(store)
    submit(store, "second", lane=lane(Retrigger.REPLACE, 2))
    assert store.read("running").cancel_requested
    submit(store, "third", lane=lane(Retrigger.REPLACE, 3))
    assert status(store, "second") is Status.CANCELLED
    assert take(store) == "third"


def test_trigger_that_arrives_late_is_cancelled(store: Store) -> None:
    submit(store, "later", lane=lane(Retrigger.REPLACE, 2))
    submit(store, "earlier", lane=lane(Retrigger.REPLACE, 1))
    assert status(store, "earlier") is Status.CANCELLED
    assert status(store, "later") is Status.QUEUED
    assert store.call("earlier") is None


@pytest.mark.parametrize("retrigger", Retrigger)
def test_lanes_are_apart(store: Store, retrigger: Retrigger) -> None:
    for name in ("left", "right"):
        assert submit(store, name, lane=lane(retrigger, 1, name))
    assert {take(store), take(store)} == {"left", "right"}


def test_queue_lane_runs_one_after_the_other(store: Store) -> None:
    for number in range(4):
        submit(store, f"job-{number}", lane=lane(Retrigger.QUEUE, number))
    assert take(store) == "job-0"
    assert take(store) is None
    cancel(store, "job-1")
    assert take(store) is None
    succeed(store, "job-0")
    assert take(store) == "job-2"
    assert take(store) is None
    store.end("job-2", Status.LOST)
    assert take(store) == "job-3"
    assert waiting(store) == 0


def test_job_that_waits_has_its_turn_whatever_comes_after_it(store: Store) -> None:
    submit(store, "first", lane=lane(Retrigger.QUEUE, 1))
    submit(store, "waits", lane=lane(Retrigger.QUEUE, 2))
    submit(store, "other", lane=lane(Retrigger.PARALLEL, 3))
    assert [take(store), take(store), take(store)] == ["first", "other", None]
    succeed(store, "first")
    assert take(store) == "waits"


def test_parallel_lane_runs_them_all(store: Store) -> None:
    for number in range(3):
        submit(store, f"job-{number}", lane=lane(Retrigger.PARALLEL, number))
    assert [take(store) for _ in range(3)] == ["job-0", "job-1", "job-2"]


def test_ignore_lane_takes_one_at_a_time(store: Store) -> None:
    assert submit(store, "first", lane=lane(Retrigger.IGNORE, 1))
    assert not submit(store, "second", lane=lane(Retrigger.IGNORE, 2))
    with pytest.raises(KeyError):
        store.read("second")
    assert waiting(store) == 1
    take(store)
    assert not submit(store, "third", lane=lane(Retrigger.IGNORE, 3))
    succeed(store, "first")
    assert submit(store, "fourth", lane=lane(Retrigger.IGNORE, 4))
    assert take(store) == "fourth"


@pytest.mark.parametrize("retrigger", Retrigger)
def test_nothing_is_left_of_a_lane_without_jobs(
    store: Store, retrigger: Retrigger
) -> None:
    for number in range(3):
        submit(store, f"job-{number}", lane=lane(retrigger, number))
    for _ in range(3):
        job_id = take(store)
        if job_id is not None:
            succeed(store, job_id)
    assert row_counts(store)["requester"] == 0


def test_new_trigger_replaces_though_the_queue_is_full(store: Store) -> None:
    submit(store, "old", max_queue=1, lane=lane(Retrigger.REPLACE, 1))
    submit(store, "new", max_queue=1, lane=lane(Retrigger.REPLACE, 2))
    assert status(store, "old") is Status.CANCELLED
    assert take(store) == "new"


def test_dropped_queue_ends_those_who_wait_in_a_lane_too(store: Store) -> None:
    for number in range(3):
        submit(store, f"job-{number}", lane=lane(Retrigger.QUEUE, number))
    store.dispatching.drop_queue("v1", "because")
    assert {status(store, f"job-{n}") for n in range(3)} == {Status.LOST}


def test_queue_is_not_forgotten_while_a_job_runs_that_others_wait_for(
    store: Store,
) -> None:
    store.registry.add_server("v1", DEAD)
    for number in range(3):
        submit(store, f"job-{number}", lane=lane(Retrigger.QUEUE, number))
    # Its dispatcher has died since, and one of other code watches over it.
    take(store)
    store.dispatching.drop_queue("v1", "because")
    assert status(store, "job-1") is Status.QUEUED
    succeed(store, "job-0")
    store.slots.release("job-0")
    assert store.registry.abandoned() == {"v1": False}
    store.dispatching.drop_queue("v1", "because")
    assert {status(store, f"job-{n}") for n in (1, 2)} == {Status.LOST}
    assert store.registry.abandoned() == {}


def test_page_that_sends_the_same_trigger_for_hours_does_not_swell_its_job(
    store: Store,
) -> None:
    page: Destination = {"location": "/" * 2000, "view": "v", "outputs": []}
    call = replace(CALL, destination=page)
    tickets = set()
    for seq in range(300):
        new = Record(id=f"{seq}", task="t", code="v1", key="k", created=1, changed=1)
        tickets.add(
            store.submit(
                new,
                call,
                max_concurrency=1,
                max_queue=1,
                lane=lane(Retrigger.REPLACE, seq),
            )
        )
    assert len(tickets) == 300
    assert len(store.read("0").to_json()) < 50_000
    assert [each.id for each in store.read("0").staying] == ["299"]
