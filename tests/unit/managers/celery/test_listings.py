"""Lists of jobs in a result backend that has texts alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from celery import Celery

from dash_long_components.core.jobs import Status
from dash_long_components.core.records import Record
from dash_long_components.core.requesters import Requester
from dash_long_components.core.search import Search
from dash_long_components.managers.celery import listings as module
from dash_long_components.managers.celery.backends import base
from dash_long_components.managers.celery.documents import Documents
from dash_long_components.managers.celery.listings import Listings


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
    assert reads == [100]
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
