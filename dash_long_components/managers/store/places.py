"""The places of the jobs that wait in a store's queue."""

from __future__ import annotations

import time

from ...core.forecasts import forecast
from ...core.snapshots import Place
from .store import Store


def places(store: Store, code: str, max_concurrency: int) -> dict[str, Place]:
    """Return the places of the jobs that wait for a version of the code, by id."""
    now = time.time()
    running = [
        (record.task, now - record.started)
        for record in store.read_all(list(store.slots.all())).values()
        if record.started is not None
    ]
    waiting = store.queue.waiting(code)
    return forecast(max_concurrency, running, waiting, store.durations.median)
