"""Groups hold jobs back until they may run."""

from __future__ import annotations

from typing import Any

from dash_long_components.core.groups import Group
from dash_long_components.core.queueing import QueuedJob, Scheduling


def job(job_id: str, user: str = "", **scheduling: Any) -> QueuedJob:
    how = Scheduling(group="g", **scheduling)
    return QueuedJob(id=job_id, task="task", scheduling=how, user=user)


def admit_all(group: Group) -> tuple[Group, list[str]]:
    admitted = []
    while (found := group.next(set())) is not None:
        group = group.admit(found)
        admitted.append(found.id)
    return group, admitted


def group_of(*jobs: QueuedJob) -> Group:
    group = Group()
    for each in jobs:
        group = group.enter(each)
    return group


def test_as_many_are_admitted_as_may_run() -> None:
    group = group_of(*(job(name, concurrency=2) for name in "abc"))
    group, admitted = admit_all(group)
    assert admitted == ["a", "b"]
    group, admitted = admit_all(group.leave("a"))
    assert admitted == ["c"]


def test_users_take_turns_and_have_their_share() -> None:
    fair: dict[str, Any] = {"concurrency": 2, "max_per_user": 1}
    ada = [job(f"ada-{number}", "ada", **fair) for number in range(3)]
    group, admitted = admit_all(group_of(*ada, job("ben", "ben", **fair)))
    assert admitted == ["ada-0", "ben"]
    assert admit_all(group.leave("ben"))[1] == []
    assert admit_all(group.leave("ada-0"))[1] == ["ada-1"]


def test_job_that_waits_for_something_else_lets_others_pass() -> None:
    group = group_of(job("a", concurrency=1), job("b", concurrency=1))
    found = group.next({"a"})
    assert found is not None
    assert found.id == "b"


def test_job_enters_once() -> None:
    group = group_of(job("a", concurrency=1), job("a", concurrency=1))
    assert len(group.waiting) == 1
    group, _ = admit_all(group)
    assert group.enter(job("a", concurrency=1)) == group


def test_group_is_the_same_after_it_was_stored() -> None:
    fair: dict[str, Any] = {"concurrency": 1, "max_per_user": 1, "priority": 3}
    group, _ = admit_all(group_of(job("a", '"ada"', **fair), job("b", **fair)))
    assert Group.from_text(group.to_text()) == group
    assert Group.from_text(None) == Group()
