"""Workers take turns to read the live jobs, one batch after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from celery import Celery

from dash_long_components.core.records import Record
from dash_long_components.core.status import Status
from dash_long_components.managers.celery.documents.documents import Documents
from dash_long_components.managers.celery.documents.listings import Listings
from dash_long_components.managers.celery.store import patrol
from dash_long_components.managers.celery.store.patrol import Patrol
from tests.unit.managers.celery.made import record_of

LEASE = 6.0


class Deployment:
    """Live jobs, two workers, and a clock."""

    def __init__(self, folder: Path, jobs: int) -> None:
        self.now = 1000.0
        self.reads: list[list[str]] = []
        documents = Documents(Celery("app", backend=f"file://{folder}"))
        self.listings = Listings(documents, self.read_all)
        self.records: dict[str, Record] = {}
        for number in range(jobs):
            record = record_of(f"job-{number}", float(number))
            self.records[record.id] = record
            self.listings.add(record)
        self.workers = [Patrol(documents, self.listings, LEASE) for _ in range(2)]

    def read_all(self, job_ids: Sequence[str]) -> list[Record | None]:
        self.reads.append([*job_ids])
        return [self.records.get(job_id) for job_id in job_ids]

    def look(self, after: float = LEASE / 3) -> list[str]:
        """Let time pass and both workers look; return the jobs that they have read."""
        self.now += after
        self.reads.clear()
        for worker in self.workers:
            worker.look()
        return [job_id for read in self.reads for job_id in read]


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    deployment = Deployment(tmp_path, jobs=5)
    monkeypatch.setattr(patrol, "BATCH", 2)
    monkeypatch.setattr("time.time", lambda: deployment.now)
    return deployment


def test_workers_read_one_batch_after_the_other(deployment: Deployment) -> None:
    batches = [["job-0", "job-1"], ["job-2", "job-3"], ["job-4"]]
    assert [deployment.look() for _ in range(4)] == [*batches, batches[0]]
    assert deployment.look(LEASE / 100) == []
    assert deployment.look() == batches[1]
    # Its clock was ahead.
    assert deployment.look(-3600.0) == batches[2]


def test_jobs_that_leave_the_list_make_no_other_wait_for_the_next_round(
    deployment: Deployment,
) -> None:
    del deployment.records["job-0"]
    batches = [["job-0", "job-1"], ["job-2", "job-3"], ["job-4"], ["job-1", "job-2"]]
    assert [deployment.look() for _ in batches] == batches


def test_jobs_that_have_ended_leave_the_list(deployment: Deployment) -> None:
    del deployment.records["job-0"]
    running = deployment.records["job-2"].start(1.0)
    deployment.records["job-2"] = running
    deployment.records["job-3"] = running.end(Status.SUCCEEDED, 2.0)
    for _ in range(3):
        deployment.look()
    assert deployment.listings.count_live() == 3
    deployment.listings.end("job-2")
    deployment.records.clear()
    for _ in range(4):
        deployment.look()
    assert deployment.listings.count_live() == 0
    assert deployment.look() == []
