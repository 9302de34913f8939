"""A server sends a function by value to a worker that asks for it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from dash import Input, Output

from dash_long_components.core.queueing import Sizes
from dash_long_components.core.records import Record
from dash_long_components.core.status import Status
from dash_long_components.exceptions import TaskNotFoundError
from dash_long_components.managers.diskcache.worker.by_value import (
    FunctionsByValue,
    pickled,
)
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.store import Store
from dash_long_components.running.tasks import Task
from tests.unit.fakes import Site, Submitted, out, prop


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(str(tmp_path), 60)
    yield store
    store.close()


def submitted(function: Any) -> Submitted:
    site = Site()
    site.long_callback(Output("text", "children"), Input("i", "value"))(function)
    return site.submit(out("text", "children"), [prop("i", "value", 1)])


def ask(store: Store, job: Submitted) -> Record:
    """Submit a job whose worker asks for the function."""
    record = Record(id="job", task=job.task.name, code="v1", created=1, changed=1)
    store.submit(
        record, replace(job.call, function=None), max_concurrency=1, max_queue=1
    )
    store.dispatching.take("v1", Process.current(), Sizes(1))
    return store.change("job", lambda record: record.ask_for_function("It is new."))


@pytest.mark.parametrize("has_submitted", [True, False])
def test_any_server_with_the_function_sends_it_to_the_worker_that_asks(
    store: Store, has_submitted: bool
) -> None:
    factor = 7
    job = submitted(lambda value: factor * value)
    functions = FunctionsByValue()
    if has_submitted:
        functions.add(job.task)
    functions.give(store, ask(store, job), "It is new.")
    call = store.call("job")
    assert call is not None
    assert call.function is not None
    task: Task = cloudpickle.loads(base64.b64decode(call.function))
    assert task.function(2) == 14
    assert store.read("job").unknown is None


def test_function_that_can_not_be_sent_ends_its_job(store: Store) -> None:
    lock = threading.Lock()
    job = submitted(lambda value: lock.locked())
    functions = FunctionsByValue()
    functions.add(job.task)
    functions.give(store, ask(store, job), " It is new.")
    record = store.read("job")
    assert record.status is Status.FAILED
    assert record.error is not None
    assert record.error.type == "TaskNotFoundError"
    for part in (job.task.name, "It is new.", "lock"):
        assert part in record.error.message
    with pytest.raises(TaskNotFoundError):
        pickled(job.task, "")


def test_server_without_the_function_leaves_the_job_to_others(store: Store) -> None:
    job = submitted(lambda value: value)
    call = replace(job.call, task="unknown")
    record = ask(store, replace(job, call=call))
    FunctionsByValue().give(store, record, "It is new.")
    assert store.read("job") == record


def test_reason_is_hidden_where_the_app_hides_errors(store: Store) -> None:
    lock = threading.Lock()
    job = submitted(lambda value: (lock, value))
    job = replace(job, call=replace(job.call, error_message="hide"))
    functions = FunctionsByValue()
    functions.add(job.task)
    functions.give(store, ask(store, job), "Tried postgres://user:password@host.")
    record = store.read("job")
    assert record.status is Status.FAILED
    assert record.error is not None
    assert "postgres" not in repr(record.error)
    assert "pickle" not in repr(record.error)
