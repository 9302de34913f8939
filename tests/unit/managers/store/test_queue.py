"""Jobs start by their queue, priority and round, when a slot is free."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dash_long_components.core.queueing import Sizes, next_job
from dash_long_components.core.status import Status
from dash_long_components.managers.store.store import Store
from tests.unit.fakes import id_of
from tests.unit.managers.store.made import (
    ME,
    cancel,
    schedule,
    status,
    submit,
    succeed,
    take,
    waiting,
)


def test_first_come_is_first_served(store: Store) -> None:
    for number in range(20):
        submit(store, f"job-{number}")
    assert [take(store) for _ in range(21)] == [
        *(f"job-{number}" for number in range(20)),
        None,
    ]


def test_full_queue_rejects(store: Store) -> None:
    assert submit(store, "job-0", max_queue=1)
    assert submit(store, "job-1", max_queue=1)
    record = store.read("job-1")
    assert record.status is Status.REJECTED
    assert record.error
    assert record.error.type == "QueueFull"
    assert store.call("job-1") is None
    assert take(store) == "job-0"
    submit(store, "job-2", max_queue=1)
    assert take(store) == "job-2"


def test_jobs_that_find_a_free_place_do_not_fill_the_queue(store: Store) -> None:
    for number in range(4):
        submit(store, f"job-{number}", max_queue=1, slots=2)
    assert status(store, "job-2") is Status.QUEUED
    assert status(store, "job-3") is Status.REJECTED
    assert take(store, slots=2) == "job-0"
    assert take(store, slots=2) == "job-1"
    submit(store, "job-4", max_queue=1, slots=2)
    assert status(store, "job-4") is Status.REJECTED


_steps = st.lists(
    st.tuples(
        st.sampled_from(["submit", "take", "cancel", "succeed", "lose", "drop"]),
        st.integers(0, 5),
    ),
    max_size=30,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(_steps)
def test_count_of_those_who_wait_never_drifts(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    store = Store(str(tmp_path_factory.mktemp("store")), 60)
    jobs: list[str] = []
    try:
        for number, (step, which) in enumerate(steps):
            job_id = jobs[which % len(jobs)] if jobs else "none"
            match step:
                case "submit":
                    jobs.append(f"job-{number}")
                    submit(store, jobs[-1], max_queue=3)
                case "take":
                    take(store, 2)
                case "cancel":
                    cancel(store, job_id)
                case "succeed":
                    if jobs and status(store, job_id) is Status.RUNNING:
                        succeed(store, job_id)
                        store.slots.release(job_id)
                case "lose":
                    store.end(job_id, Status.LOST)
                    store.slots.release(job_id)
                case "drop":
                    store.dispatching.drop_queue("v1", "gone")
            queued = [j for j in jobs if status(store, j) is Status.QUEUED]
            assert waiting(store) == len(queued)
            assert len(queued) <= 3
            assert len(store.slots.all()) <= 2
            assert {j for j in jobs if store.call(j)} == {
                j for j in jobs if not status(store, j).is_terminal
            }
    finally:
        store.close()


def test_queued_jobs_are_listed_in_their_order(store: Store) -> None:
    for number in range(5):
        submit(store, f"job-{number}")
    submit(store, "other", code="v2")
    take(store, 1)
    cancel(store, "job-2")
    waiting = [(job.id, job.task) for job in store.queue.waiting("v1")]
    assert waiting == [(f"job-{number}", "module.task") for number in (1, 3, 4)]
    assert store.queue.waiting("v3") == []
    assert [take(store) for _ in range(3)] == ["job-1", "job-3", "job-4"]


def test_jobs_start_by_queue_priority_and_round(store: Store) -> None:
    fair: dict[str, Any] = {"max_per_user": 1, "group": "fair"}
    for number in range(2):
        schedule(store, f"ada-{number}", '"ada"', **fair)
    schedule(store, "ben", '"ben"', **fair)
    for number in range(2):
        schedule(store, f"gpu-{number}", queue="gpu")
    schedule(store, "urgent", priority=5, queue="gpu")
    sizes = Sizes(9, {"gpu": 1})
    assert {id_of(store.dispatching.take("v1", ME, sizes)) for _ in range(4)} == {
        *("ada-0", "ben", "urgent"),
        None,
    }
    store.slots.release("ada-0")
    assert id_of(store.dispatching.take("v1", ME, sizes)) == "ada-1"


def test_rounds_of_one_priority_and_queue_are_not_those_of_another(
    store: Store,
) -> None:
    fair: dict[str, Any] = {"max_per_user": 9, "group": "fair", "max_queue": 9}
    others: list[dict[str, Any]] = [{"priority": 5}, {"queue": "gpu"}]
    for number in range(3):
        schedule(store, f"plain-{number}", '"ada"', **fair)
    for number, other in enumerate(others):
        schedule(store, f"ada-{number}", '"ada"', **fair, **other)
        schedule(store, f"ben-{number}", '"ben"', **fair, **other)
    sizes = Sizes(2, {"gpu": 2})
    started = [id_of(store.dispatching.take("v1", ME, sizes)) for _ in range(4)]
    # Each of them is in its first round there, so the first to come starts first.
    assert started == ["ada-0", "ben-0", "ada-1", "ben-1"]


_users = st.sampled_from(['"ada"', '"ben"', '"cleo"', None])

_kinds = st.fixed_dictionaries(
    {},
    optional={
        "queue": st.just("gpu"),
        "priority": st.just(1),
        "concurrency": st.integers(1, 2),
        "max_per_user": st.sampled_from([1, 9]),
        "group": st.sampled_from(["one", "two"]),
    },
)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.tuples(_users, _kinds, st.booleans()), max_size=25))
# Ben takes Ada's second place, which is before that of the job without a user.
@example(
    [
        ('"ada"', {"max_per_user": 9}, False),
        ('"ada"', {"max_per_user": 9}, False),
        (None, {}, False),
        ('"ben"', {"max_per_user": 9}, False),
    ]
)
def test_next_job_is_that_of_the_rules_for_all_that_wait(
    tmp_path_factory: pytest.TempPathFactory,
    jobs: list[tuple[str | None, dict[str, Any], bool]],
) -> None:
    sizes = Sizes(3, {"gpu": 2})
    with closing(Store(str(tmp_path_factory.mktemp("store")), 60)) as store:
        running: list[str] = []

        def take() -> bool:
            queue = store.queue
            by_rules = next_job(queue.waiting("v1"), queue.running(), sizes)
            taken = id_of(store.dispatching.take("v1", ME, sizes))
            assert taken == (by_rules and by_rules.id)
            running.extend([taken] if taken else [])
            return taken is not None

        for number, (user, kind, is_taking) in enumerate(jobs):
            group = {"group": kind.get("group", "own")}
            schedule(store, f"job-{number}", user, max_queue=99, **kind | group)
            if is_taking:
                take()
        while take() or running:
            if running:
                store.slots.release(running.pop(0))


def test_each_queue_is_full_by_itself(store: Store) -> None:
    for number in range(4):
        schedule(store, f"gpu-{number}", queue="gpu")
    schedule(store, "other")
    assert status(store, "gpu-2") is Status.QUEUED
    assert status(store, "gpu-3") is Status.REJECTED
    assert status(store, "other") is Status.QUEUED
