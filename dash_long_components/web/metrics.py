"""Metrics that a server process exports by OpenTelemetry."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

from .. import telemetry
from ..managers.base import LongCallbackManager
from ..telemetry import Observation

_observed: weakref.WeakSet[LongCallbackManager] = weakref.WeakSet()


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
    found = weakref.ref(manager)

    def jobs() -> Iterator[Observation]:
        it = found()
        for (task, status), count in it.count_jobs().items() if it else ():
            yield count, {"manager": name, "task": task, "status": status.value}

    def queued() -> Iterator[Observation]:
        it = found()
        health = it.health() if it else None
        if health is not None and health.queued is not None:
            yield health.queued, {"manager": name}

    def oldest_wait() -> Iterator[Observation]:
        it = found()
        health = it.health() if it else None
        if health is not None and health.queued is not None:
            yield health.oldest_wait or 0.0, {"manager": name}

    def durations() -> Iterator[Observation]:
        it = found()
        tasks = sorted({task for task, _ in it.count_jobs()}) if it else []
        usual = it.usual_durations(tasks) if it else {}
        for task, seconds in usual.items():
            if seconds is not None:
                yield seconds, {"manager": name, "task": task}

    telemetry.observe(
        "dash_long_jobs.jobs", "1", "Jobs with a record, by task and status", jobs
    )
    telemetry.observe("dash_long_jobs.queue.length", "1", "Jobs that wait", queued)
    telemetry.observe(
        "dash_long_jobs.queue.wait", "s", "Age of the oldest queued job", oldest_wait
    )
    telemetry.observe(
        "dash_long_jobs.run.median", "s", "Median time of a task's last runs", durations
    )


def count_poll() -> None:
    """Count a poll of a page."""
    telemetry.count("dash_long_jobs.polls", "Polls of pages")


def count_outage() -> None:
    """Count a request that failed because a manager does not respond."""
    telemetry.count("dash_long_jobs.outages", "Requests that failed in an outage")
