"""Metrics that a server process exports by OpenTelemetry."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from .. import telemetry
from ..core.health import Health
from ..core.status import Status
from ..exceptions import StoreError
from ..managers.base import LongCallbackManager
from ..telemetry import Observation

#: Seconds for which one reading of a manager serves all its metrics.
_FRESH = 1.0

_observed: weakref.WeakSet[LongCallbackManager] = weakref.WeakSet()


@dataclass(frozen=True)
class _Reading:
    """What a manager says for all its metrics.

    Attributes:
        counts: of its jobs, by task and status.
        health: how many wait.
        usual: how long tasks usually take, in seconds.
    """

    counts: Mapping[tuple[str, Status], int]
    health: Health
    usual: Mapping[str, float | None]

    @classmethod
    def of(cls, manager: LongCallbackManager) -> _Reading:
        """Read a manager.

        Raises:
            StoreError: its job store can't be used.
        """
        counts = manager.count_jobs()
        tasks = sorted({task for task, _status in counts})
        return cls(counts, manager.health(), manager.usual_durations(tasks))


class _Metrics:
    """The metrics of a manager, which read it once for each export.

    A job store that does not respond is asked once too: each question may take seconds,
    and the export of all metrics of the app has a timeout.

    Args:
        name: of the manager, in its app.
        manager: which one. It is not kept alive.
    """

    def __init__(self, name: str, manager: LongCallbackManager) -> None:
        self._name = name
        self._manager = weakref.ref(manager)
        self._lock = threading.Lock()
        self._last: _Reading | None = None
        self._fresh_until = 0.0

    def jobs(self) -> Iterator[Observation]:
        found = self._read()
        for (task, status), count in found.counts.items() if found else ():
            yield count, {"manager": self._name, "task": task, "status": status.value}

    def queued(self) -> Iterator[Observation]:
        found = self._read()
        if found is not None and found.health.queued is not None:
            yield found.health.queued, {"manager": self._name}

    def oldest_wait(self) -> Iterator[Observation]:
        found = self._read()
        if found is not None and found.health.queued is not None:
            yield found.health.oldest_wait or 0.0, {"manager": self._name}

    def durations(self) -> Iterator[Observation]:
        found = self._read()
        for task, seconds in found.usual.items() if found else ():
            if seconds is not None:
                yield seconds, {"manager": self._name, "task": task}

    def _read(self) -> _Reading | None:
        """Return what the manager says, or None if it does not respond."""
        manager = self._manager()
        with self._lock:
            if time.monotonic() >= self._fresh_until:
                self._last = None
                try:
                    with suppress(StoreError):  # the manager has logged it
                        self._last = _Reading.of(manager) if manager else None
                finally:
                    self._fresh_until = time.monotonic() + _FRESH
            return self._last


def observe(name: str, manager: LongCallbackManager) -> None:
    """Export how many jobs a manager has, and how long they wait and take. Idempotent.

    All server processes of a store export the same.

    Args:
        name: of the manager, in its app.
        manager: which one.
    """
    if manager in _observed:
        return
    _observed.add(manager)
    it = _Metrics(name, manager)
    observe = telemetry.observe
    observe(
        "dash_long_jobs.jobs", "1", "Jobs with a record, by task and status", it.jobs
    )
    observe("dash_long_jobs.queue.length", "1", "Jobs that wait", it.queued)
    observe(
        "dash_long_jobs.queue.wait", "s", "Age of the oldest queued job", it.oldest_wait
    )
    observe(
        "dash_long_jobs.run.median",
        "s",
        "Median time of a task's last runs",
        it.durations,
    )


def count_poll() -> None:
    """Count a poll of a page."""
    telemetry.count("dash_long_jobs.polls", "Polls of pages")


def count_outage() -> None:
    """Count a request that failed because a manager does not respond."""
    telemetry.count("dash_long_jobs.outages", "Requests that failed in an outage")
