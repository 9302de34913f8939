"""The processes of a store, as operators see them."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ...core.overview import Worker
from ..identity import Process
from .heartbeats import SILENCE
from .store import Store

_ROLES = {"client": "server"}


def workers(store: Store) -> list[Worker]:
    """Return the processes that run jobs, then dispatchers, then servers."""
    return [*_running(store), *_others(store)]


def _running(store: Store) -> Iterator[Worker]:
    slots = store.slots.all()
    records = store.read_all(list(slots))
    for job_id, slot in slots.items():
        record = records.get(job_id)
        if record is not None:
            yield Worker(
                name=_name(slot.worker) if slot.worker else "",
                job=job_id,
                task=record.task,
                since=record.started,
            )


def _others(store: Store) -> Iterator[Worker]:
    now = time.time()
    for each in store.registry.processes():
        if each.process.is_here and not each.process.is_alive():
            continue  # its row stays until another process needs the place
        is_silent = now - each.heartbeat > SILENCE
        yield Worker(
            name=_name(each.process),
            role=_ROLES.get(each.role, each.role),
            state="silent" if is_silent else "alive",
        )


def _name(process: Process) -> str:
    """Return a short name: of another host, it has a part of its id."""
    return f"{process.pid}" if process.is_here else f"{process.pid} ({process.host})"
