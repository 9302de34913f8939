"""The documents of a job, which workers of several versions write during a rollout."""

from __future__ import annotations

import importlib
import json
import pkgutil
from dataclasses import replace
from typing import Any

import pytest

from dash_long_components.core import calls, reading, records
from dash_long_components.core.calls import Caching, Call, Limits
from dash_long_components.core.job_errors import JobError
from dash_long_components.core.records import Record
from dash_long_components.core.requesters import Requester
from dash_long_components.core.status import Status
from dash_long_components.exceptions import JobEndedError
from dash_long_components.managers import celery
from dash_long_components.managers.celery.documents.deliveries import (
    Delivery,
    Message,
    Receipt,
)
from dash_long_components.managers.celery.documents.job_state import End, Live, Worker
from dash_long_components.managers.celery.documents.part_state import (
    PartMessage,
    PartState,
)
from dash_long_components.managers.celery.documents.requesters import with_requesters
from dash_long_components.managers.celery.documents.result_cache import Head
from dash_long_components.managers.celery.messages.probes import ProbeState
from dash_long_components.managers.celery.store.turns import TurnState
from dash_long_components.managers.celery.workers.leases import Renewal
from dash_long_components.managers.celery.workflows.workflow import Workflow

RECORD = Record(
    id="job",
    task="t",
    code="",
    requesters=(Requester(id="0"),),
    limits=Limits(timeout=1.0),
    created=1.0,
    changed=1.0,
)
WORKER = Worker(name="celery@host", lease="lease")
LIVE = Live(
    run="run",
    worker=WORKER,
    calls=1,
    parts=2,
    record=RECORD,
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
    TurnState(),
    Renewal(beat=1),
    Head(run="run", parts=1),
    PartMessage(job="job", run="run", map="map", setting=1, number=1),
    PartState(by="a", lines=[["text", 20, 1.0]]),
    Workflow(shape=["a", "b"], ids=["a", "b"]),
    RECORD,
    Call(task="t", fingerprint="f", context={}, caching=Caching(key="k")),
]

#: Fields that hold the request of a user, and no fields of ours.
FREE = {"context", "variables", "trace"}


def written(document: Any) -> str:
    """Return a document as it is stored."""
    if hasattr(document, "to_json"):
        return str(document.to_json().decode())
    return str(document.to_text())


def read(kind: Any, text: str) -> Any:
    if hasattr(kind, "from_json"):
        return kind.from_json(text.encode())
    return kind.from_text(text)


def kinds() -> set[type]:
    """Return the classes that are stored as texts."""
    found = pkgutil.walk_packages(celery.__path__, f"{celery.__name__}.")
    modules = [importlib.import_module(module.name) for module in found]
    return {
        value
        for module in (calls, records, *modules)
        for value in vars(module).values()
        if hasattr(value, "from_text") or hasattr(value, "from_json")
        if isinstance(value, type) and value.__module__ == module.__name__
    }


def with_new_fields(text: str) -> str:
    """Return a document as a newer version could write it: a field in each object."""

    def add(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                **{
                    name: each if name in FREE else add(each)
                    for name, each in value.items()
                },
                "of_a_newer_version": 1,
            }
        return value

    return "\n".join(
        json.dumps(add(json.loads(line))) if line else "" for line in text.split("\n")
    )


def test_every_document_is_tested() -> None:
    assert {type(document) for document in DOCUMENTS} == kinds()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: type(each).__name__)
def test_document_of_a_newer_version_is_read(document: Any) -> None:
    text = written(document)
    assert read(type(document), text) == document
    assert read(type(document), with_new_fields(text)) == document


def test_requesters_of_a_newer_version_are_read() -> None:
    text = json.dumps([{"id": "0", "lane": None, "left": 7, "of_a_newer_version": 1}])
    found = with_requesters(RECORD, text)
    assert found.requesters == (Requester(id="0", left=7),)


def with_new_status(text: str) -> str:
    changed = text.replace('"queued"', '"paused"').replace('"lost"', '"paused"')
    assert changed != text
    return changed


def test_job_with_a_status_of_a_newer_version_runs_on_and_is_not_changed() -> None:
    """The page polls until a newer process answers."""
    record = read(Record, with_new_status(written(RECORD)))
    assert record.status is Status.RUNNING
    assert reading.since(record, 0).status is Status.RUNNING
    assert not record.is_joinable
    for change, arguments in (
        (record.end, (Status.LOST, 2.0)),
        (record.request_cancel, (2.0,)),
        (record.leave, ("0", 2.0)),
    ):
        with pytest.raises(JobEndedError, match="paused"):
            change(*arguments)


def test_end_with_a_status_of_a_newer_version_shows_a_job_that_runs() -> None:
    end = End(status=Status.LOST, at=1.0)
    assert read(End, with_new_status(written(end))).of(RECORD).status is Status.RUNNING
    ended = End(status=Status.LOST, at=1.0, live=replace(LIVE, record=RECORD))
    of_worker = read(End, with_new_status(written(ended)))
    assert of_worker.of(RECORD).status is Status.RUNNING
