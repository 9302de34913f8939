"""The jobs of which operators see counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from hypothesis import given, settings
from hypothesis import strategies as st

from dash_long_components.core.records import Record
from dash_long_components.core.search import Search
from dash_long_components.core.status import Status
from dash_long_components.managers.celery.documents import listings as listings_module
from dash_long_components.managers.celery.documents.documents import Documents
from dash_long_components.managers.celery.documents.listings import Entry, Listings
from dash_long_components.managers.celery.store import counted_jobs as module
from dash_long_components.managers.celery.store.counted_jobs import CountedJobs


class Site:
    """Jobs, and what a look at them reads.

    Args:
        url: of the result backend.
    """

    def __init__(self, url: str) -> None:
        self.records: dict[str, Record] = {}
        self.read: list[str] = []
        self.listed = 0
        self.documents = Documents(Celery("app", backend=url))
        self.listings = Listings(self.documents, self._read_all)
        self.jobs = CountedJobs(self.listings)
        listed = self.documents.listed

        def count_listed(*args: Any, **options: Any) -> list[str]:
            found = listed(*args, **options)
            self.listed += len(found)
            return found

        self.documents.listed = count_listed  # type: ignore[method-assign]

    def _read_all(self, job_ids: Sequence[str]) -> list[Record | None]:
        self.read += job_ids
        return [self.records.get(job_id) for job_id in job_ids]

    def submit(self, name: object, task: str = "app.task") -> None:
        at = float(len(self.records) + 1)
        record = Record(id=str(name), task=task, code="", created=at, changed=at)
        self.records[record.id] = record
        self.listings.add(record)

    def change(self, name: object, status: Status) -> None:
        record = replace(self.records[str(name)], status=status)
        self.records[record.id] = record
        self.listings.stop_waiting(record)
        if status.is_terminal:
            self.listings.end(record.id)

    def look(self, *, whole: bool = False) -> dict[tuple[str, Status], int]:
        """Return the counts as they are now."""
        self.read.clear()
        self.listed = 0
        self.jobs._fresh_until = 0.0
        if whole:
            self.jobs._known_until = 0.0
        return self.jobs.by_task()

    def truth(self) -> dict[tuple[str, Status], int]:
        return dict(Counter((it.task, it.status) for it in self.records.values()))


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(f"file://{tmp_path}")


def test_look_reads_the_same_among_any_number_of_ended_jobs(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listings_module, "_BATCH", 10)
    site.submit("running")
    site.change("running", Status.RUNNING)

    def end(first: int, last: int) -> None:
        for name in range(first, last):
            site.submit(name)
            site.change(name, Status.FAILED)

    end(0, 10)
    site.look()
    assert site.look() == site.truth()
    assert site.read == ["running"]
    end(10, 60)
    assert site.look() == site.truth()
    assert site.look() == site.truth()
    assert site.read == ["running"]
    # The live ones, and a batch of the newest.
    assert site.listed == 1 + 10


def test_look_reads_no_more_among_any_number_of_queued_jobs(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COUNTED", 20)
    monkeypatch.setattr(listings_module, "_BATCH", 10)
    for name in range(20):
        site.submit(name)
    site.change(3, Status.RUNNING)
    site.look()
    assert site.look() == site.truth()
    assert site.read == ["3"]
    few = site.listed
    for name in range(20, 200):
        site.submit(name)
    site.look()
    assert sum(site.look().values()) == 20
    assert site.read == ["3"]
    assert site.listed <= few + 1


@pytest.mark.parametrize("place", [0, 5])
def test_running_job_is_counted_before_and_behind_many_queued_ones(
    site: Site, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    monkeypatch.setattr(module, "_COUNTED", 3)
    names = ["0", "1", "2", "3", "4"]
    names.insert(place, "running")
    for name in names:
        site.submit(name)
    site.change("running", Status.RUNNING)
    assert site.look()["app.task", Status.RUNNING] == 1
    # A live job is read once.
    assert len(site.read) == len({*site.read})
    # One look serves all that a page asks for.
    site.read.clear()
    site.jobs.by_task()
    assert next(it.status for it in site.jobs.live()) is Status.RUNNING
    assert site.read == []


def test_job_is_counted_that_is_made_while_a_look_goes_on(site: Site) -> None:
    newest = site.listings.newest

    def submit_before(count: int, known: Collection[str]) -> list[Entry]:
        site.submit("a")
        return newest(count, known)

    site.listings.newest = submit_before  # type: ignore[method-assign]
    site.look()
    site.listings.newest = newest  # type: ignore[method-assign]
    site.change("a", Status.SUCCEEDED)
    assert site.look() == {("app.task", Status.SUCCEEDED): 1}


def test_job_that_the_backend_has_dropped_is_not_counted_for_long(site: Site) -> None:
    for name in ("a", "b"):
        site.submit(name)
        site.change(name, Status.FAILED)
    assert site.look() == {("app.task", Status.FAILED): 2}
    del site.records["a"]
    assert site.look(whole=True) == {("app.task", Status.FAILED): 1}
    assert site.listings.search_and_count(Search(limit=10))[1] == 1


def test_job_that_a_process_left_in_a_list_is_not_counted_for_long(site: Site) -> None:
    site.submit("a")
    site.look()
    record = replace(site.records["a"], status=Status.LOST)
    site.records["a"] = record  # no one has said that it does not wait any more
    assert site.look(whole=True) == {("app.task", Status.LOST): 1}


def test_job_that_runs_is_read_though_a_list_says_that_it_waits(site: Site) -> None:
    site.submit("a")
    site.records["a"] = replace(site.records["a"], status=Status.RUNNING)
    assert site.look() == {("app.task", Status.RUNNING): 1}
    site.records["a"] = replace(site.records["a"], status=Status.LOST)
    assert site.look() == {("app.task", Status.LOST): 1}


def test_newest_ended_jobs_are_counted(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COUNTED", 3)
    monkeypatch.setattr(listings_module, "_BATCH", 3)
    for name in range(5):
        site.submit(name, f"app.t{name}")
        site.change(name, Status.FAILED)
    newest = {(f"app.t{name}", Status.FAILED): 1 for name in (2, 3, 4)}
    assert site.look() == newest
    site.submit("new", "app.new")
    site.change("new", Status.FAILED)
    del newest["app.t2", Status.FAILED]
    assert site.look() == newest | {("app.new", Status.FAILED): 1}
    assert site.look() == site.look(whole=True)


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["submit", "start", "end", "look", "whole"]),
            st.integers(0, 9),
        ),
        max_size=40,
    )
)
def test_counts_are_those_of_the_jobs_whatever_happens_between_two_looks(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    site = Site(f"file://{tmp_path_factory.mktemp('backend')}")
    for step, number in steps:
        wanted = {"start": Status.QUEUED, "end": None}.get(step)
        some = [
            it.id
            for it in site.records.values()
            if not it.status.is_terminal and wanted in (None, it.status)
        ]
        if step == "submit":
            site.submit(len(site.records), f"app.t{number % 2}")
        elif step in ("look", "whole"):
            assert site.look(whole=step == "whole") == site.truth()
        elif some:
            ended = [Status.SUCCEEDED, Status.CANCELLED][number % 2]
            status = Status.RUNNING if step == "start" else ended
            site.change(some[number % len(some)], status)
    assert site.look() == site.truth()
