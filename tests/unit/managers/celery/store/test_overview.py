"""What operators see of Celery."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from unittest import mock

from celery import Celery

from dash_long_components.core.overview import Worker
from dash_long_components.core.records import Record
from dash_long_components.core.status import Status
from dash_long_components.managers.celery.documents.deliveries import Message
from dash_long_components.managers.celery.documents.documents import Documents
from dash_long_components.managers.celery.documents.ends import message_key
from dash_long_components.managers.celery.documents.job_state import Live
from dash_long_components.managers.celery.documents.job_state import (
    Worker as LiveWorker,
)
from dash_long_components.managers.celery.documents.listings import Listings
from dash_long_components.managers.celery.messages.queues import Queues
from dash_long_components.managers.celery.store.overview import Overview
from dash_long_components.managers.celery.workers import leases
from dash_long_components.managers.celery.workers.leases import Renewal


def record(job_id: str, status: Status, task: str = "app.task") -> Record:
    now = time.time()
    started = now if status is Status.RUNNING else None
    return Record(
        id=job_id,
        task=task,
        code="",
        status=status,
        created=now,
        changed=now,
        started=started,
    )


def test_jobs_queues_and_workers_are_shown(tmp_path: Path) -> None:
    app = Celery("app", backend=f"file://{tmp_path}")
    documents = Documents(app)
    found = [
        record("a", Status.QUEUED),
        record("b", Status.QUEUED),
        record("c", Status.RUNNING, "app.other"),
        record("d", Status.FAILED),
    ]
    by_id = {each.id: each for each in found}

    def read_all(job_ids: Sequence[str]) -> list[Record | None]:
        return [by_id.get(job_id) for job_id in job_ids]

    listings = Listings(documents, read_all)
    for each in found:
        listings.add(each)
        message = Message(task="app.task", queue="gpu" if each.id == "a" else None)
        documents.write(message_key(each.id), message.to_text())
    live = Live(
        run="r", worker=LiveWorker(name="one@host", lease="L1"), record=by_id["c"]
    )
    documents.write("c.live", live.to_text())
    renewals = {
        "L1": Renewal(beat=1, name="one@host", queues=["celery", "gpu"]),
        "L2": Renewal(beat=7, name="two@host", stuck=True),
        "L3": Renewal(period=0),  # it has left
    }
    for lease_id, renewal in renewals.items():
        documents.write(leases._key(lease_id), renewal.to_text())
        leases._list_again(documents, lease_id)

    overview = Overview(documents, listings, Queues(app, documents))
    assert overview.by_task() == {
        ("app.task", Status.QUEUED): 2,
        ("app.other", Status.RUNNING): 1,
        ("app.task", Status.FAILED): 1,
    }
    assert overview.queued() == {"celery": 1, "gpu": 1}
    assert overview.workers() == [
        Worker(
            name="one@host",
            queues=("celery", "gpu"),
            job="c",
            task="app.other",
            since=by_id["c"].started,
        ),
        Worker(name="two@host", state="stuck"),
    ]
    assert leases.worker_ids(documents) == ["L1", "L2"]


def test_worker_that_was_killed_is_silent_after_a_lease(tmp_path: Path) -> None:
    app = Celery("app", backend=f"file://{tmp_path}")
    documents = Documents(app)
    renewal = Renewal(beat=1, name="one@host", period=10.0)
    documents.write(leases._key("L1"), renewal.to_text())
    leases._list_again(documents, "L1")
    listings = Listings(documents, lambda job_ids: [None for _ in job_ids])
    overview = Overview(documents, listings, Queues(app, documents))

    def state(after: float) -> str:
        with mock.patch("time.monotonic", return_value=start + after):
            (worker,) = overview.workers()
        return worker.state

    start = time.monotonic()
    assert [state(after) for after in (0, 3, 6, 9, 10)] == [*["alive"] * 4, "silent"]
    beaten = replace(renewal, beat=2)
    documents.write(leases._key("L1"), beaten.to_text())
    assert state(12) == "alive"
