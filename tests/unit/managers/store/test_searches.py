"""Searches and counts find the jobs of a store, and cost the same among many."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from dash_long_components.core.queueing import QueuedJob
from dash_long_components.core.records import Record
from dash_long_components.core.requesters import Requester
from dash_long_components.core.search import Order, Search
from dash_long_components.core.status import Status
from dash_long_components.managers.store import schema
from dash_long_components.managers.store.clock import Instant
from dash_long_components.managers.store.store import Store
from tests.unit.managers.store.made import CALL, submit, take


def test_successful_runs_say_how_long_a_task_takes(store: Store) -> None:
    assert store.durations.median("module.task") is None
    for number, status in enumerate(
        [Status.SUCCEEDED, Status.SUCCEEDED, Status.FAILED, Status.SUCCEEDED]
    ):
        submit(store, f"job-{number}")
        take(store)
        started = store.read(f"job-{number}").started
        assert started is not None
        ended = store.read(f"job-{number}").end(status, started + 10.0 * (number + 1))
        store.change(f"job-{number}", mock.Mock(return_value=ended))
    assert store.durations.median("module.task") == pytest.approx(20)
    assert store.durations.median("other.task") is None


SEARCHES = [
    Search(limit=7),
    Search(owner='"ada"', limit=7),
    Search(task="many", limit=7),
    Search(statuses=frozenset({Status.FAILED, Status.LOST}), limit=7),
    Search(task="many", statuses=frozenset({Status.SUCCEEDED}), limit=7),
    Search(order=Order(by="task"), limit=7, start=3),
    Search(order=Order(by="status", is_descending=True), limit=7, start=3),
]


def steps(store: Store, search: Search) -> int:
    """Return how many hundred steps a search takes SQLite."""
    count = itertools.count()
    connection = store._database._connection()
    connection.set_progress_handler(lambda: next(count) * 0, 100)
    found = store.searches.find(search)
    store.searches.by_task()
    if search.owner is None:
        assert store.searches.count(search) >= len(found)
    connection.set_progress_handler(None, 0)
    numbers = [int(record.id.removeprefix("job-")) for record in found]
    assert len(numbers) == 7
    assert numbers == sorted(numbers, reverse=True)
    assert all(map(search.finds, found))
    return next(count)


def add_ended(store: Store, first: int, last: int) -> None:
    """Add jobs that have ended, every second one failed."""
    with store._database.transaction():
        for number in range(first, last):
            status = Status.FAILED if number % 2 else Status.SUCCEEDED
            record = Record(
                id=f"job-{number}",
                task="many",
                code="v1",
                status=status,
                requesters=(Requester(id="0", owner='"ada"'),),
                created=1.0,
                changed=2.0,
            )
            store._jobs.add(record, Instant(1.0, 1.0))


@pytest.mark.parametrize("by", ["created", "task", "status"])
@pytest.mark.parametrize("owner", [None, '"ada"'])
@pytest.mark.parametrize("task", [None, "many"])
def test_no_status_finds_no_job(
    store: Store, by: Any, owner: str | None, task: str | None
) -> None:
    add_ended(store, 0, 2)
    none = Search(statuses=frozenset(), owner=owner, task=task, order=Order(by=by))
    assert store.searches.find(none) == []
    assert store.searches.count(none) == 0


def test_search_costs_the_same_among_many_jobs(store: Store) -> None:
    add_ended(store, 0, 100)
    few = [steps(store, search) for search in SEARCHES]
    add_ended(store, 100, 5000)
    many = [steps(store, search) for search in SEARCHES]
    assert max(many) <= max(few) + 2


def test_counts_follow_every_change_of_a_job(store: Store) -> None:
    def is_right() -> bool:
        rows = store._database.query(
            "SELECT task, status, count(*) FROM job GROUP BY task, status"
        )
        counted = {(task, Status(status)): count for task, status, count in rows}
        return store.searches.by_task() == counted

    add_ended(store, 0, 5)
    submit(store, "a")
    submit(store, "b")
    assert is_right()
    assert store.searches.queued() == {"default": 2}
    assert take(store) == "a"
    assert is_right()
    store.end("a", Status.FAILED)
    store._jobs.delete(["job-1"])
    assert is_right()
    assert store.searches.by_task()["many", Status.FAILED] == 1


def test_store_of_the_first_version_gets_what_is_new(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    now = time.time()
    record = Record(id="a", task="t", code="v1", created=now, changed=now)
    with (
        mock.patch.object(schema, "MIGRATIONS", schema.MIGRATIONS[:1]),
        mock.patch.object(schema, "VERSION", 1),
    ):
        old = Store(str(folder), result_ttl=60)
        old._database.run(
            "INSERT INTO job (id, code, task, status, turn, submitted, submitted_wall,"
            " record) VALUES ('a', 'v1', 't', 'queued', 7, 1, 1, ?)",
            record.to_json(),
        )
        old.close()
    new = Store(str(folder), result_ttl=60)
    assert [found.id for found in new.searches.find(Search(task="t"))] == ["a"]
    assert new.searches.by_task() == {("t", Status.QUEUED): 1}
    assert new.queue.waiting("v1") == [QueuedJob(id="a", task="t")]
    assert take(new) == "a"
    new.close()


def test_deleted_job_is_no_longer_a_users(store: Store) -> None:
    now = time.time()
    record = Record(id="a", task="t", code="v1", created=now, changed=now)
    store.submit(record, CALL, max_concurrency=1, max_queue=9, owner='"ada"')
    assert [found.id for found in store.searches.find(Search(owner='"ada"'))] == ["a"]
    store._jobs.delete("a")
    assert store._database.value("SELECT count(*) FROM owned") == 0
