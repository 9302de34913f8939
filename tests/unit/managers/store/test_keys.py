"""Single flight in a store: who asks the same joins the job, and leaves it alone."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dash_long_components.core import reading
from dash_long_components.core.calls import Caching, Call, Limits
from dash_long_components.core.ids import Ticket, new_job_id
from dash_long_components.core.lanes import Answer, Lane, Retrigger
from dash_long_components.core.queueing import Sizes
from dash_long_components.core.records import Record
from dash_long_components.core.status import Status
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.store import Store
from tests.rows import row_counts
from tests.unit.fakes import id_of

ME = Process.current()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(str(tmp_path / "jobs"), result_ttl=60)
    yield store
    store.close()


def ask(
    store: Store,
    key: str | None = "key",
    *,
    lane: Lane | None = None,
    code: str = "v1",
    max_queue: int = 100,
    limits: Limits | None = None,
) -> Ticket:
    limits = limits or Limits()
    now = time.time()
    record = Record(
        id=new_job_id(),
        task="module.task",
        code=code,
        key=key,
        limits=limits,
        created=now,
        changed=now,
    )
    caching = Caching(key=key) if key else None
    call = Call(task="t", fingerprint="f", context={}, limits=limits, caching=caching)
    ticket = store.submit(
        record, call, max_concurrency=0, max_queue=max_queue, lane=lane
    )
    assert ticket is not None
    return ticket


def lane(retrigger: Retrigger, seq: int, name: str = "lane") -> Lane:
    return Lane(name=name, seq=seq, retrigger=retrigger)


def status(store: Store, ticket: Ticket) -> Status:
    return reading.since(store.read(ticket.job), 0, ticket.requester).status


def take(store: Store) -> str | None:
    return id_of(store.dispatching.take("v1", ME, Sizes(100)))


def succeed(store: Store, ticket: Ticket) -> None:
    store.change(ticket.job, lambda job: job.end(Status.SUCCEEDED, 1.0), b"1")


def left_over(store: Store) -> list[str]:
    """Return the rows that are there only while a job is live."""
    counts = row_counts(store)
    return [name for name in ("call", "requester") if counts[name]]


@pytest.mark.parametrize("started", [False, True])
def test_equal_call_joins_the_live_job(store: Store, started: bool) -> None:
    first = ask(store)
    if started:
        take(store)
    second = ask(store)
    assert second.job == first.job
    assert second.requester != first.requester
    assert take(store) == (None if started else first.job)


def test_different_call_is_a_job_of_its_own(store: Store) -> None:
    tickets = [ask(store), ask(store, "other"), ask(store, None), ask(store, None)]
    tickets.append(ask(store, code="v2"))
    assert len({ticket.job for ticket in tickets}) == len(tickets)


def test_no_requester_joins_a_job_that_has_ended_or_is_about_to(store: Store) -> None:
    first = ask(store)
    take(store)
    store.leave(first)
    second = ask(store)
    assert second.job != first.job
    # The end of the first must not hide the second.
    store.end(first.job, Status.CANCELLED)
    assert ask(store).job == second.job
    take(store)
    succeed(store, second)
    assert ask(store).job not in (first.job, second.job)


def test_job_that_was_rejected_is_not_joined(store: Store) -> None:
    assert status(store, ask(store, max_queue=0)) is Status.REJECTED
    assert status(store, ask(store)) is Status.QUEUED


def test_joining_needs_no_place_in_the_queue(store: Store) -> None:
    ask(store, max_queue=1)
    assert status(store, ask(store, max_queue=1)) is Status.QUEUED
    assert status(store, ask(store, "other", max_queue=1)) is Status.REJECTED


def test_one_that_cancels_leaves_the_job_to_the_others(store: Store) -> None:
    tickets = [ask(store) for _ in range(3)]
    store.leave(tickets[0])
    store.leave(tickets[0])
    assert status(store, tickets[0]) is Status.CANCELLED
    assert take(store) == tickets[1].job
    store.leave(tickets[1])
    assert not store.is_unwanted(tickets[2].job)
    store.leave(tickets[2])
    assert store.is_unwanted(tickets[2].job)


def test_missing_requester_changes_nothing(store: Store) -> None:
    ticket = ask(store)
    for text in ("", "unknown.0", f"{ticket.job}.7", ticket.job):
        store.leave(Ticket.parse(text))
    assert status(store, ticket) is Status.QUEUED


def test_places_in_the_queue_are_counted_by_jobs(store: Store) -> None:
    tickets = [ask(store) for _ in range(3)]
    store.leave(tickets[0])
    assert store.queue.count() == 1
    take(store)
    store.leave(tickets[1])
    assert store.queue.count() == 0


def test_hundred_requesters_at_once_share_a_job(store: Store) -> None:
    def ask_one(_: int) -> Ticket:
        ticket = ask(store)
        store.close()
        return ticket

    with ThreadPoolExecutor(8) as pool:
        tickets = list(pool.map(ask_one, range(100)))
    assert len({ticket.job for ticket in tickets}) == 1
    assert len({ticket.requester for ticket in tickets}) == 100


# Lanes


def test_equal_trigger_replaces_its_own_ticket_in_the_job(store: Store) -> None:
    first = ask(store, lane=lane(Retrigger.REPLACE, 1))
    take(store)
    second = ask(store, lane=lane(Retrigger.REPLACE, 2))
    assert second.job == first.job
    assert status(store, first) is Status.CANCELLED
    assert status(store, second) is Status.RUNNING
    ask(store, "other", lane=lane(Retrigger.REPLACE, 3))
    assert store.is_unwanted(second.job)


def test_page_that_replaces_takes_no_job_from_another_page(store: Store) -> None:
    here = ask(store, lane=lane(Retrigger.REPLACE, 1, "here"))
    there = ask(store, lane=lane(Retrigger.REPLACE, 1, "there"))
    assert here.job == there.job
    ask(store, "other", lane=lane(Retrigger.REPLACE, 2, "here"))
    assert status(store, here) is Status.CANCELLED
    assert status(store, there) is Status.QUEUED


def test_no_job_waits_for_the_lane_of_another_page(store: Store) -> None:
    ask(store, "first", lane=lane(Retrigger.QUEUE, 1))
    waiting = ask(store, lane=lane(Retrigger.QUEUE, 2))
    other = ask(store)
    assert other.job != waiting.job
    succeed_all(store)


def in_turn(store: Store, name: str) -> Ticket:
    """Return a job that has come to its turn in a lane while another asks the same."""
    first = ask(store, None, lane=lane(Retrigger.QUEUE, 1, name))
    waiting = ask(store, lane=lane(Retrigger.QUEUE, 2, name))
    ask(store)
    store.leave(first)
    return waiting


@pytest.mark.parametrize("end", [Status.SUCCEEDED, Status.FAILED])
def test_job_whose_turn_comes_does_not_run_beside_an_equal_one(
    store: Store, end: Status
) -> None:
    waiting = [in_turn(store, name) for name in ("here", "there", "away")]
    store.leave(waiting[1])
    live = ask(store)
    assert live.job not in {ticket.job for ticket in waiting}
    assert [take(store), take(store)] == [live.job, None]
    store.end(live.job, end)
    assert [take(store), take(store)] == [waiting[0].job, None]
    assert ask(store).job == waiting[0].job
    store.end(waiting[0].job, end)
    assert take(store) == waiting[2].job
    store.end(waiting[2].job, end)
    assert left_over(store) == []


def test_turn_of_a_lane_comes_when_its_first_leaves(store: Store) -> None:
    ask(store)
    first = ask(store, lane=lane(Retrigger.QUEUE, 1))
    second = ask(store, "other", lane=lane(Retrigger.QUEUE, 2))
    assert [take(store), take(store)] == [first.job, None]
    store.leave(first)
    assert take(store) == second.job


def succeed_all(store: Store) -> None:
    while (job_id := take(store)) is not None:
        succeed(store, Ticket(job=job_id, requester="0"))


@pytest.mark.parametrize("retrigger", [Retrigger.REPLACE, Retrigger.PARALLEL])
def test_cache_hit_replaces_the_live_jobs_of_its_lane(
    store: Store, retrigger: Retrigger
) -> None:
    live = ask(store, lane=lane(retrigger, 1))
    assert store.pass_by(lane(retrigger, 2)).answer is Answer.ENTER
    replaced = retrigger is Retrigger.REPLACE
    assert (status(store, live) is Status.CANCELLED) is replaced


def test_cache_hit_leaves_other_lanes_alone(store: Store) -> None:
    assert store.pass_by(None).answer is Answer.ENTER
    for retrigger, answer in (
        (Retrigger.QUEUE, Answer.WAIT),
        (Retrigger.IGNORE, Answer.IGNORE),
    ):
        name = retrigger.value
        assert store.pass_by(lane(retrigger, 1, name)).answer is Answer.ENTER
        live = ask(store, None, lane=lane(retrigger, 2, name))
        assert store.pass_by(lane(retrigger, 3, name)).answer is answer
        assert status(store, live) is Status.QUEUED
    live = ask(store, None, lane=lane(Retrigger.REPLACE, 5))
    assert store.pass_by(lane(Retrigger.REPLACE, 4)).answer is Answer.CANCEL
    assert status(store, live) is Status.QUEUED


def test_cache_hit_waits_for_no_writer(store: Store) -> None:
    with closing(sqlite3.connect(store.path)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert store.pass_by(lane(Retrigger.REPLACE, 1)).answer is Answer.ENTER
        writer.rollback()


def test_page_that_is_gone_leaves_the_job_to_the_others(store: Store) -> None:
    gone, here = (ask(store, limits=Limits(leave_timeout=2.0)) for _ in range(2))
    now = time.monotonic()
    store.requesters.see(here, 2.0, now + 3.0)
    assert store.requesters.left(now, now + 3.0) == [gone]
    store.leave(gone)
    assert status(store, gone) is Status.CANCELLED
    assert status(store, here) is Status.QUEUED
    assert store.requesters.left(now, now + 3.0) == []


_steps = st.lists(
    st.tuples(
        st.sampled_from(["ask", "leave", "take", "succeed", "lose"]),
        st.integers(0, 9),
        st.sampled_from([*Retrigger, None]),
    ),
    max_size=30,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=_steps)
def test_every_requester_comes_to_an_end_and_nothing_is_left(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, Retrigger]]
) -> None:
    store = Store(str(tmp_path_factory.mktemp("jobs")), result_ttl=60)
    numbers = itertools.count()
    tickets: list[Ticket] = []
    try:
        for step, number, retrigger in steps:
            ticket = tickets[number % len(tickets)] if tickets else None
            if step == "ask":
                name = retrigger and retrigger.value
                at = lane(retrigger, next(numbers), name or "") if retrigger else None
                try:
                    tickets.append(ask(store, f"key-{number % 3}", lane=at))
                except AssertionError:
                    assert retrigger is Retrigger.IGNORE
            elif step == "take":
                take(store)
            elif ticket is not None and step == "leave":
                store.leave(ticket)
            elif ticket is not None and status(store, ticket) is Status.RUNNING:
                store.end(
                    ticket.job,
                    Status.SUCCEEDED if step == "succeed" else Status.LOST,
                )
        for ticket in tickets:
            store.leave(ticket)
            store.end(ticket.job, Status.LOST)
        assert all(status(store, ticket).is_terminal for ticket in tickets)
        assert left_over(store) == []
        assert store.queue.count() == 0
    finally:
        store.close()
