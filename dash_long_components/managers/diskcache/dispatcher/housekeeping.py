"""Housekeeping of a store: deletes what has expired, from time to time."""

from __future__ import annotations

import time

from ...store.store import Store

#: Seconds between two sweeps of old records.
SWEEP_INTERVAL = 5.0

#: Seconds for which jobs wait for a process that has their code, unless the same app
#: has come back with other code.
GRACE = 600.0

#: Seconds after the end of a job, at most, until what its request held is overwritten.
PURGE_INTERVAL = 5.0

_CHANGED = "The code of the app has changed since the job was submitted."

_GONE = "The app has not started again with the code that it was submitted with."


class Housekeeping:
    """Removes from a store what is no longer needed.

    Args:
        store: of any number of dispatchers.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._next_sweep = self._next_purge = time.monotonic()
        self._purged: float | None = None
        self._abandoned: dict[str, float] = {}

    def run(self) -> None:
        """Do what is due. Cheap if nothing is; call it in every round."""
        now = time.monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_INTERVAL
            self._sweep()
        if now >= self._next_purge:
            self._purge(now)

    def _sweep(self) -> None:
        """Delete old records, and end the queues of old code."""
        self._store.sweep()
        abandoned, now = self._store.registry.abandoned(), time.monotonic()
        before = self._abandoned
        self._abandoned = {code: before.get(code, now) for code in abandoned}
        for code, is_replaced in abandoned.items():
            if is_replaced:
                self._store.dispatching.abandon_queue(code, _CHANGED)
            elif now - self._abandoned[code] >= GRACE:
                self._store.dispatching.abandon_queue(code, _GONE)

    def _purge(self, now: float) -> None:
        """Overwrite the request data of ended jobs, if a job has ended."""
        last_end = self._store.last_end()
        if last_end == self._purged:
            return
        self._next_purge = now + PURGE_INTERVAL
        if self._store.purge():
            self._purged = last_end
