"""The rules of the queue, without a manager."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dash_long_components.core.queueing import (
    QueuedJob,
    Scheduling,
    Sizes,
    has_expired,
    in_order,
    is_full,
    next_job,
    next_round,
)


@pytest.mark.parametrize(
    ("waiting", "running", "full"),
    [
        (0, 0, False),
        (2, 0, False),  # both will find a free slot
        (3, 0, True),
        (0, 2, False),
        (1, 2, True),
        (1, 1, False),
        (0, 5, False),  # max_concurrency was lowered
        (1, 5, True),
    ],
)
def test_jobs_that_find_a_free_slot_do_not_fill_the_queue(
    waiting: int, running: int, full: bool
) -> None:
    load = {"waiting": waiting, "running": running}
    assert is_full(**load, max_concurrency=2, max_queue=1) is full


def test_queue_of_no_length_takes_what_can_start() -> None:
    options = {"max_concurrency": 1, "max_queue": 0}
    assert not is_full(waiting=0, running=0, **options)
    assert is_full(waiting=0, running=1, **options)
    assert is_full(waiting=1, running=0, **options)


def test_job_expires_after_its_queue_timeout() -> None:
    assert not has_expired(9.9, 10.0)
    assert has_expired(10.0, 10.0)
    assert not has_expired(1e9, None)


def job(job_id: str, user: str = "", round: int | None = None, **how: Any) -> QueuedJob:
    return QueuedJob(
        id=job_id, task="task", scheduling=Scheduling(**how), user=user, round=round
    )


def ids(jobs: Sequence[QueuedJob]) -> list[str]:
    return [each.id for each in jobs]


def test_priority_goes_before_place() -> None:
    waiting = [job("a"), job("b", priority=1), job("c"), job("d", priority=9)]
    assert ids(in_order(waiting)) == ["d", "b", "a", "c"]


def test_full_queue_and_full_group_are_passed_by() -> None:
    one: dict[str, Any] = {"concurrency": 1, "group": "one"}
    two: dict[str, Any] = {"concurrency": 2, "group": "two"}
    sizes = Sizes(4, {"gpu": 1})
    running = [job("r", queue="gpu"), job("s", **one), job("t", **two)]
    waiting = [job("a", queue="gpu"), job("b", **one), job("c", **two), job("d")]
    started = next_job(waiting, running, sizes)
    assert started is not None
    assert started.id == "c"
    # Now the group of two has two, and the queue its last place.
    started = next_job(waiting, [*running, started], sizes)
    assert started is not None
    assert started.id == "d"
    assert next_job(waiting, [*running, job("u"), job("v")], sizes) is None


def test_group_counts_jobs_of_tasks_that_do_not_limit_it() -> None:
    running = [job("r", group="one", max_per_user=9)]
    assert next_job([job("a", group="one", concurrency=1)], running, Sizes(9)) is None


def test_queue_that_a_process_does_not_know_has_one_slot() -> None:
    waiting = [job("a", queue="new")]
    assert next_job(waiting, [], Sizes(1)) == waiting[0]
    assert next_job(waiting, [job("r", queue="new")], Sizes(1)) is None


def enter(jobs: list[QueuedJob], job_id: str, user: str, running: Any = ()) -> None:
    new = job(job_id, user, max_per_user=9, group="g")
    jobs.append(replace(new, round=next_round(new, jobs, running)))


def test_users_take_turns_in_the_places_that_they_have_together() -> None:
    waiting: list[QueuedJob] = []
    for number in range(4):
        enter(waiting, f"a{number}", "ada")
    waiting.append(job("plain"))
    for number in range(2):
        enter(waiting, f"b{number}", "ben")
    # A job without options keeps its place.
    assert ids(in_order(waiting)) == ["a0", "b0", "a1", "b1", "plain", "a2", "a3"]


def test_late_user_has_the_next_round_and_no_more() -> None:
    waiting: list[QueuedJob] = []
    for number in range(6):
        enter(waiting, f"a{number}", "ada")
    running, waiting = waiting[2:3], waiting[3:]
    for number in range(3):
        enter(waiting, f"b{number}", "ben", running)
    assert ids(in_order(waiting)) == ["b0", "a3", "b1", "a4", "b2", "a5"]


def test_user_with_enough_jobs_does_not_hold_up_another() -> None:
    one: dict[str, Any] = {"max_per_user": 1, "group": "g"}
    running = [job("r", "ada", 0, **one)]
    waiting = [job("a", "ada", 1, **one), job("b", "ben", 5, **one)]
    started = next_job(waiting, running, Sizes(9))
    assert started is not None
    assert started.id == "b"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40))
def test_no_user_starts_three_jobs_while_another_waits(
    events: list[tuple[str, bool]],
) -> None:
    """With one slot, and whatever comes when: each user has one job in each round."""
    waiting: list[QueuedJob] = []
    running: list[QueuedJob] = []
    started: list[tuple[str, set[str]]] = []
    for number, (user, takes) in enumerate([*events, *([("", True)] * 40)]):
        if user:
            enter(waiting, str(number), user, running)
        if takes and waiting:
            found = next_job(waiting, [], Sizes(1))
            assert found is not None
            others = {each.user for each in waiting} - {found.user}
            waiting.remove(found)
            started.append((found.user, others))
            running = [found]
    for run in zip(started, started[1:], started[2:], strict=False):
        if len({user for user, _others in run}) == 1:
            assert not set.intersection(*(others for _user, others in run))


@pytest.mark.parametrize(
    ("queues", "max_concurrency", "sizes"),
    [
        (None, None, Sizes(7)),
        (None, 2, Sizes(2)),
        ({"gpu": 1}, None, Sizes(7, {"gpu": 1})),
        ({"gpu": 1}, 2, Sizes(2, {"gpu": 1})),
        ({"gpu": 1, "default": 3}, None, Sizes(3, {"gpu": 1})),
    ],
)
def test_queues_have_sizes(queues: Any, max_concurrency: Any, sizes: Sizes) -> None:
    assert Sizes.check(queues, max_concurrency, 7) == sizes


@pytest.mark.parametrize(
    ("queues", "max_concurrency", "message"),
    [
        (["gpu"], None, r"queues= takes a dict .*, not \['gpu'\]"),
        ({"gpu": 0}, None, r"queues\['gpu'\] takes a whole number above zero, not 0"),
        ({"gpu": "1"}, None, r"queues\['gpu'\] takes .*, not '1'"),
        ({3: 1}, None, "a name in queues= takes a name, .*, not 3"),
        ({"default": 4}, 2, "the size 4 of the queue 'default', and max_concurrency="),
        (None, 0, "max_concurrency takes"),
    ],
)
def test_wrong_sizes_are_refused(
    queues: Any, max_concurrency: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Sizes.check(queues, max_concurrency, 7)


def test_unknown_queue_is_refused_with_the_names_of_others() -> None:
    sizes = Sizes(1, {"gpu": 1})
    sizes.require("gpu", "app.train")
    sizes.require("default", "app.train")
    message = r"app.train has queue='cpu'.* 'default', 'gpu'.* queues=\{'cpu': 1\}"
    with pytest.raises(ValueError, match=message):
        sizes.require("cpu", "app.train")
