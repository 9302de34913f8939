"""The documents of a job, which workers of several versions write during a rollout."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dash_long_components.core.jobs import JobError, Status
from dash_long_components.core.records import Record
from dash_long_components.managers.celery.deliveries import Delivery, Message, Receipt
from dash_long_components.managers.celery.job_state import End, Live, Worker
from dash_long_components.managers.celery.probes import ProbeState

WORKER = Worker(name="celery@host", lease="lease")
LIVE = Live(
    run="run",
    worker=WORKER,
    calls=1,
    parts=2,
    record=Record(id="job", task="t", code="", created=1.0, changed=1.0),
)
DOCUMENTS = [
    WORKER,
    LIVE,
    End(
        status=Status.LOST,
        at=1.0,
        error=JobError(type="E", message="m", task="t"),
        live=LIVE,
    ),
    Message(task="t"),
    Receipt(worker=WORKER, number=1),
    Delivery(at=1.0),
    ProbeState(),
]


def with_new_fields(text: str) -> str:
    """Return a document as a newer version could write it: a field in each object."""

    def add(value: Any) -> Any:
        if isinstance(value, dict):
            value = {name: add(each) for name, each in value.items()}
            return {**value, "of_a_newer_version": 1}
        return value

    return "\n".join(
        json.dumps(add(json.loads(line))) if line else "" for line in text.split("\n")
    )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: type(each).__name__)
def test_document_of_a_newer_version_is_read(document: Any) -> None:
    text = document.to_text()
    assert type(document).from_text(text) == document
    assert type(document).from_text(with_new_fields(text)) == document
