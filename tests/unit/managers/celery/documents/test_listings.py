"""Lists of jobs in a result backend that has texts alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from celery import Celery

from dash_long_components.core.records import Record
from dash_long_components.core.requesters import Requester
from dash_long_components.core.search import NEWEST, Order, Search
from dash_long_components.core.status import Status
from dash_long_components.managers.celery.backends import base
from dash_long_components.managers.celery.documents import listings as module
from dash_long_components.managers.celery.documents.documents import Documents
from dash_long_components.managers.celery.documents.listings import Listings


def record(number: int, task: str = "app.task", owner: str | None = None) -> Record:
    return Record(
        id=f"job-{number}",
        task=task,
        code="",
        status=Status.FAILED if number % 2 else Status.SUCCEEDED,
        requesters=(Requester(id="0", owner=owner),),
        created=time.time(),
        changed=time.time(),
    )


def count(listings: Listings, **search: Any) -> int:
    return listings.search_and_count(Search(limit=1, **search))[1]


def test_search_goes_on_until_it_has_found_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = {f"job-{n}": record(n, f"app.t{n % 3}", f'"{n % 5}"') for n in range(240)}
    del records["job-239"]  # its record has expired
    reads: list[int] = []

    def read_all(job_ids: list[str]) -> list[Record | None]:
        reads.append(len(job_ids))
        return [records.get(job_id) for job_id in job_ids]

    documents = Documents(Celery("app", backend=f"file://{tmp_path}"))
    listings = Listings(documents, read_all)  # type: ignore[arg-type]
    monkeypatch.setattr(base, "_LISTED", 230)
    for number in range(240):
        listings.add(record(number, f"app.t{number % 3}", f'"{number % 5}"'))
    # Twice, as after an answer that was lost.
    listings.add(record(238, "app.t1", '"3"'))

    def ids(search: Search) -> list[str]:
        return [found.id for found in listings.search(search)]

    assert ids(Search(limit=3)) == ["job-238", "job-237", "job-236"]
    assert reads == [3, 100]
    assert len(ids(Search(limit=1000))) == 229
    failed = Search(statuses=frozenset({Status.FAILED}), task="app.t1", limit=2)
    assert ids(failed) == ["job-235", "job-229"]
    assert ids(Search(owner='"4"', task="app.t0", limit=1)) == ["job-234"]
    records["job-3"] = records["job-3"].join(Requester(id="1", owner='"new"'))
    listings.add_owner(records["job-3"], '"new"')
    listings.add_owner(records["job-5"], None)
    assert ids(Search(owner='"new"')) == ["job-3"]


def test_search_and_the_look_for_the_first_job_have_bounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[list[str]] = []

    def read_all(job_ids: Sequence[str]) -> list[Record | None]:
        reads.append([*job_ids])
        return [record(int(job_id.split("-")[1])) for job_id in job_ids]

    documents = Documents(Celery("app", backend=f"file://{tmp_path}"))
    listings = Listings(documents, read_all)
    monkeypatch.setattr(module, "MAX_SEARCHED", 200)
    for number in range(220):
        listings.add(record(number))
    assert listings.search(Search(statuses=frozenset({Status.LOST}))) == []
    assert [len(job_ids) for job_ids in reads] == [100, 100]
    # All have ended, in processes that died before they could say so.
    reads.clear()
    assert listings.count_waiting() == 220
    assert listings.first_waiting() is None
    assert reads[0] == [f"job-{number}" for number in range(5)]
    assert len(reads) == 220 / 5
    assert listings.count_waiting() == 0


def test_listing_is_in_the_order_asked_for_and_reads_ended_jobs_once(
    tmp_path: Path,
) -> None:
    records = {f"job-{n}": record(n, f"app.t{n % 2}", f'"{n % 3}"') for n in range(6)}
    records["job-5"] = replace(records["job-5"], status=Status.RUNNING)
    reads: list[list[str]] = []

    def read_all(job_ids: Sequence[str]) -> list[Record | None]:
        reads.append([*job_ids])
        return [records.get(job_id) for job_id in job_ids]

    documents = Documents(Celery("app", backend=f"file://{tmp_path}"))
    listings = Listings(documents, read_all)
    for each in records.values():
        listings.add(each)

    def numbers(**search: Any) -> str:
        found = listings.search(Search(**search))
        return "".join(each.id.removeprefix("job-") for each in found)

    assert numbers(start=1, limit=2) == "43"
    assert numbers(order=Order(), limit=2) == "01"
    assert numbers(order=Order(by="task")) == "420531"
    assert numbers(order=Order(by="task", is_descending=True)) == "531420"
    assert numbers(order=Order(by="status"), start=1, limit=3) == "154"
    failed = frozenset({Status.FAILED})
    assert numbers(statuses=failed, start=1) == "1"
    assert count(listings, statuses=failed) == 2
    assert count(listings, owner='"2"') == count(listings, task="x") + 2
    assert count(listings, owner='"2"', task="app.t0") == 1
    reads.clear()
    assert numbers(order=Order(by="task")) == "420531"
    assert reads[0] == ["job-5"]


@pytest.mark.parametrize("order", [NEWEST, Order()])
def test_expired_jobs_leave_the_list_and_cost_few_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: Order
) -> None:
    reads: list[int] = []
    records = {f"job-{number}": record(number) for number in range(30, 35)}

    def read_all(job_ids: Sequence[str]) -> list[Record | None]:
        reads.append(len(job_ids))
        return [records.get(job_id) for job_id in job_ids]

    listings = Listings(
        Documents(Celery("app", backend=f"file://{tmp_path}")), read_all
    )
    monkeypatch.setattr(module, "_BATCH", 10)
    monkeypatch.setattr(module, "MAX_SEARCHED", 20)
    for number in range(35):
        listings.add(record(number))

    def look() -> int:
        reads.clear()
        return len(listings.search(Search(limit=10, order=order)))

    # The newest are found at once, and no look reads all that have expired.
    assert look() == (5 if order is NEWEST else 0)
    assert sum(reads) <= 30
    look()
    assert listings.search_and_count(Search(limit=10, order=order))[1] == look() == 5
    assert reads == [5]


def test_pages_between_which_jobs_expire_repeat_and_leave_out_none(
    tmp_path: Path,
) -> None:
    records = {f"job-{number}": record(number) for number in range(24)}
    listings = Listings(
        Documents(Celery("app", backend=f"file://{tmp_path}")),
        lambda job_ids: [records.get(job_id) for job_id in job_ids],
    )
    for each in records.values():
        listings.add(each)
    for number in range(0, 24, 3):
        del records[f"job-{number}"]

    def page(start: int, **search: Any) -> list[str]:
        found = listings.search(Search(start=start, limit=5, **search))
        return [each.id for each in found]

    found = [job_id for start in range(0, 20, 5) for job_id in page(start)]
    assert found == [*reversed(records)]
    del records["job-1"], records["job-2"]
    both = frozenset({Status.FAILED, Status.SUCCEEDED})
    pages = [page(start, statuses=both, task="app.task") for start in range(0, 20, 5)]
    assert [each for page in pages for each in page] == [*reversed(records)]
    assert count(listings, task="app.task") == count(listings, statuses=both) == 14
    # One that was remembered expires: its row is missing once, and then not counted.
    del records["job-14"]
    assert len(page(5, statuses=both)) == 4
    assert len(page(5, statuses=both)) == 5
    assert count(listings, statuses=both) == 13


def test_rows_and_count_of_a_page_are_one_scan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MANY", 100)
    records = {f"job-{number}": record(number) for number in range(250)}
    listings = Listings(
        Documents(Celery("app", backend=f"file://{tmp_path}")),
        lambda job_ids: [records.get(job_id) for job_id in job_ids],
    )
    for each in records.values():
        listings.add(each)
    failed = Search(statuses=frozenset({Status.FAILED}), limit=2)
    listed = mock.Mock(side_effect=Documents.listed)
    with mock.patch.object(
        Documents, "listed", lambda *args, **kwargs: listed(*args, **kwargs)
    ):
        found, total = listings.search_and_count(failed)
    assert ([each.id for each in found], total) == (["job-249", "job-247"], 125)
    assert listed.call_count == 3
