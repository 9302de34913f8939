"""Workflows: tasks of the app for whose results a job waits.

A function that runs on Celery may return what Celery returns for a task, a group or a
chord, or the signature of one. Its worker is free then. Any worker watches the tasks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import celery
from celery import states
from celery.canvas import Signature, chunks
from celery.result import AsyncResult, EagerResult, ResultSet

from ....core.versions import from_fields
from ....exceptions import JobWaits, WorkflowError
from .ignored_results import has_sent, ignored

#: States of Celery after which a task is not tried again.
_FAILED = (states.FAILURE, states.REVOKED, states.REJECTED)


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """A workflow for which a job waits.

    Attributes:
        run: of the job, as ``Live.run``.
        shape: the id of the task whose result it is; a list of such for a group.
        ids: of all its tasks, those that come before too.
        done: ids of those that have succeeded.
        began: when the job began to wait, in seconds since the epoch.
        until: when its time is over; None for never.
        sent: when a worker was told last to end the job; 0 for not yet.
        sends: how often one was told.
        problem: why it can't have a result; "" if it can.
        kept: when the documents of the job were kept last.
    """

    run: str = ""
    shape: Any
    ids: list[str]
    done: list[str] = field(default_factory=list)
    began: float = 0.0
    until: float | None = None
    sent: float = 0.0
    sends: int = 0
    problem: str = ""
    kept: float = 0.0

    @classmethod
    def of(cls, result: Any) -> Workflow:
        """Return the workflow of a result that Celery gives."""
        return cls(shape=_shape(result), ids=[*dict.fromkeys(_ids(result))])

    @property
    def left(self) -> list[str]:
        """Ids of the tasks that have not succeeded yet."""
        done = set(self.done)
        return [task_id for task_id in self.ids if task_id not in done]

    @property
    def wanted(self) -> list[str]:
        """Ids of the tasks whose results are its result."""
        return [*_flat(self.shape)]

    @property
    def is_done(self) -> bool:
        """Whether all these have succeeded."""
        return {*self.wanted} <= {*self.done}

    def after(self, found: Mapping[str, Mapping[str, Any]]) -> Workflow:
        """Return the workflow after a look at the tasks that are left.

        Args:
            found: what Celery stores about them, by id.
        """
        done = [task_id for task_id, meta in found.items() if _has_succeeded(meta)]
        return replace(self, done=[*self.done, *done])

    def value(self, metas: Mapping[str, Mapping[str, Any]]) -> Any:
        """Return the result.

        Args:
            metas: what Celery stores about all tasks that are left, and about those
                that are wanted, by id.

        Raises:
            Exception: a task did.
            WorkflowError: there is no result.
        """
        for task_id in [*self.left, *self.wanted]:
            if metas[task_id]["status"] in _FAILED:
                raise _error_of(task_id, metas[task_id])
        if self.problem:
            raise WorkflowError(self.problem)
        return _value(self.shape, metas)

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Workflow:
        return from_fields(cls, json.loads(text))


def _has_succeeded(meta: Mapping[str, Any]) -> bool:
    return bool(meta["status"] == states.SUCCESS)


def has_failed(meta: Mapping[str, Any]) -> bool:
    """Return whether a task has failed, by what Celery stores about it."""
    return meta["status"] in _FAILED


def resolve(
    app: celery.Celery, announce: Callable[[Workflow], object], value: Any
) -> Any:
    """Return the value that a function has returned, if it is no workflow.

    The result of one that Celery has run at once is a value.

    Args:
        app: of the job.
        announce: called with a workflow before its tasks are sent.
        value: returned by the function.

    Raises:
        JobWaits: it is a workflow.
        WorkflowError: no one can wait for it.
    """
    if isinstance(value, chunks):
        value = value.group()  # as Celery sends it
    if isinstance(value, Signature):
        if not app.conf.task_always_eager:
            raise JobWaits(_send(app, announce, value))
        value = value.apply_async()
    if isinstance(value, EagerResult):
        return value.get()
    if not isinstance(value, AsyncResult | ResultSet):
        return value
    if isinstance(value, ResultSet):
        children = _children(value)
        if all(isinstance(child, EagerResult) for child in children):
            return [child.get() for child in children]
    for result in _all(value):
        _check(app, result)
        if getattr(result, "ignored", False) or has_sent(str(result.id)):
            raise _is_ignored(result.id)
    raise JobWaits(Workflow.of(value))


def _send(
    app: celery.Celery, announce: Callable[[Workflow], object], signature: Signature
) -> Workflow:
    """Send a workflow that is announced before, so that a cancel ends all of it."""
    planned = signature.freeze()
    for result in _all(planned):
        _check(app, result)
    for name, _task_id in ignored(signature, app.tasks):
        raise _is_ignored(name)
    workflow = Workflow.of(planned)
    announce(workflow)
    sent = Workflow.of(signature.apply_async())
    # Celery's own result of some chords lacks tasks that come before.
    return workflow if workflow.shape == sent.shape else sent


def _is_ignored(task: str) -> WorkflowError:
    return WorkflowError(
        f"The job can't wait for task {task}: its result is ignored. Set "
        "ignore_result=False on the task."
    )


def _check(app: celery.Celery, result: Any) -> None:
    other = result.app.conf.result_backend
    if other != app.conf.result_backend:
        raise WorkflowError(
            f"The job can't wait for task {result.id}: its Celery app has another "
            "result backend than the app of the manager. Give both the same."
        )


def _all(value: Any) -> Iterator[Any]:
    """Yield the results of all single tasks of a workflow, the first ones first."""
    parent = getattr(value, "parent", None)
    if parent is not None:
        yield from _all(parent)
    if isinstance(value, ResultSet):
        for child in _children(value):
            yield from _all(child)
    else:
        yield value


def _children(value: Any) -> list[Any]:
    return value.results or []


def _ids(value: Any) -> Iterator[str]:
    yield from (str(result.id) for result in _all(value))


def _shape(value: Any) -> Any:
    if isinstance(value, ResultSet):
        return [_shape(child) for child in _children(value)]
    return str(value.id)


def _flat(shape: Any) -> Iterator[str]:
    if isinstance(shape, str):
        yield shape
    else:
        for child in shape:
            yield from _flat(child)


def _value(shape: Any, metas: Mapping[str, Mapping[str, Any]]) -> Any:
    if not isinstance(shape, str):
        return [_value(child, metas) for child in shape]
    meta = metas[shape]
    if meta["status"] != states.SUCCESS:
        raise WorkflowError(
            f"The result of task {shape} is gone from the result backend. Raise "
            "Celery's result_expires, or check whether something calls forget()."
        )
    return meta["result"]


def _error_of(task_id: str, meta: Mapping[str, Any]) -> BaseException:
    error = meta["result"]
    if isinstance(error, BaseException):
        return error
    return WorkflowError(f"Task {task_id} has ended as {meta['status']}: {error}")
