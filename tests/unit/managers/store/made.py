"""Jobs of a store, and what happens to them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from dash_long_components.core.calls import Call
from dash_long_components.core.ids import Ticket
from dash_long_components.core.lanes import Lane
from dash_long_components.core.queueing import Scheduling, Sizes
from dash_long_components.core.records import Record
from dash_long_components.core.status import Status
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.store import Store
from tests.unit.fakes import id_of

ME = Process.current()

DEAD = Process(ME.pid, ME.started - 1)

CALL = Call(task="key", fingerprint="f", context={"cookies": {"a": "secret"}})


def submit(
    store: Store,
    job_id: str,
    code: str = "v1",
    max_queue: int = 100,
    lane: Lane | None = None,
    slots: int = 0,
) -> bool:
    now = time.time()
    record = Record(id=job_id, task="module.task", code=code, created=now, changed=now)
    ticket = store.submit(
        record, CALL, max_concurrency=slots, max_queue=max_queue, lane=lane
    )
    return ticket is not None


def take(store: Store, slots: int = 100, code: str = "v1") -> str | None:
    return id_of(store.dispatching.take(code, ME, Sizes(slots)))


def status(store: Store, job_id: str) -> Status:
    return store.read(job_id).status


def cancel(store: Store, job_id: str) -> None:
    """Cancel a job that one has asked for."""
    store.leave(Ticket(job=job_id, requester="0"))


def waiting(store: Store) -> int:
    return store.queue.count()


def succeed(store: Store, job_id: str, result: bytes = b"1") -> None:
    store.change(job_id, lambda job: job.end(Status.SUCCEEDED, 1.0), result)


def schedule(
    store: Store,
    job_id: str,
    owner: str | None = None,
    max_queue: int = 3,
    **how: Any,
) -> None:
    now = time.time()
    record = Record(id=job_id, task="module.task", code="v1", created=now, changed=now)
    call = replace(CALL, scheduling=Scheduling(**how))
    store.submit(record, call, max_concurrency=0, max_queue=max_queue, owner=owner)
