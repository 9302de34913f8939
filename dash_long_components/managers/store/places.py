"""The places of the jobs that wait in a store's queue."""

from __future__ import annotations

import time

from ...core.forecasts import forecast
from ...core.queueing import Sizes
from ...core.snapshots import Place
from .store import Store


def places(store: Store, code: str, sizes: Sizes) -> dict[str, Place]:
    """Return the places of the jobs that wait for a version of the code, by id."""
    now = time.time()
    jobs = store.queue.running()
    records = store.read_all([job.id for job in jobs])
    running = [
        (job, now - started)
        for job in jobs
        if job.id in records and (started := records[job.id].started) is not None
    ]
    waiting = store.queue.waiting(code)
    return forecast(sizes, running, waiting, store.durations.median)
