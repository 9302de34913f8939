"""A store in a folder, with one job."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from celery import Celery

from dash_long_components.core.calls import Call
from dash_long_components.core.records import Record
from dash_long_components.core.requesters import Requester
from dash_long_components.core.retries import Retries
from dash_long_components.core.status import Status
from dash_long_components.managers.celery.documents.deliveries import Message
from dash_long_components.managers.celery.documents.job_state import Live, Worker
from dash_long_components.managers.celery.store.runs import Runs
from dash_long_components.managers.celery.store.store import CeleryStore
from dash_long_components.managers.celery.workers.leases import Leases, Tenure

ANYONE = Requester(id="0")

WORKER = Worker(name="celery@host", lease="lease")

LEASE = 10.0

CALL = Call(task="key", fingerprint="", context={"cookies": {"user": "secret"}})


def record_of(job_id: str, created: float | None = None, **fields: Any) -> Record:
    """Return the record of a job that one requester has submitted.

    Args:
        job_id: of the job.
        created: seconds since the epoch; by default now.
        fields: of the record, other than the usual ones.
    """
    at = time.time() if created is None else created
    usual: dict[str, Any] = {"task": "app.task", "code": "", "requesters": (ANYONE,)}
    return Record(id=job_id, created=at, changed=at, **{**usual, **fields})


class Shop:
    """A store in a folder, with one job."""

    def __init__(self, folder: Path, retries: Retries | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.celery = Celery("app", backend=f"file://{folder}")
        self.store = CeleryStore(self.celery)
        self.runs = Runs(self.celery, LEASE)
        record = record_of("job", key="key", retries=retries)
        self.store.submit(record)
        message = Message(task="task")
        self.message = self.store.prepare(record, message, CALL.to_json().decode())

    def status(self) -> Status:
        return self.store.read("job").status

    def start(self) -> Live:
        live = self.start_again()
        assert live is not None
        return live

    def start_again(self, job_id: str = "job") -> Live | None:
        started = self.runs.start(job_id, WORKER, self.message)
        return None if started is None else started[0]

    def finish(self, live: Live, result: bytes | None = b"{}") -> None:
        self.runs.change(live, live.record.end(Status.SUCCEEDED, 2), result)

    def celery_says(self, error: Exception) -> None:
        self.celery.backend.mark_as_failure("job", error)

    def lease_is(self, monkeypatch: pytest.MonkeyPatch, tenure: Tenure) -> None:
        monkeypatch.setattr(Leases, "tenure", lambda _self, _lease: tenure)
