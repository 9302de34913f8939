"""The durations of the tasks of a store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ...core.durations import median, with_another

if TYPE_CHECKING:
    import diskcache


class Durations:
    """The durations of successful runs, by task.

    Args:
        cache: in which there is a row for each task.
    """

    def __init__(self, cache: diskcache.Cache) -> None:
        self._cache = cache

    def add(self, task: str, seconds: float) -> None:
        """Add a run. Call it in a transaction."""
        durations = with_another(self._read(task), seconds)
        self._cache.set(_name(task), json.dumps(durations))

    def median(self, task: str) -> float | None:
        """Return how long a task usually takes, in seconds; None if it never ran."""
        return median(self._read(task))

    def _read(self, task: str) -> list[float]:
        durations: list[float] = json.loads(self._cache.get(_name(task), "[]"))
        return durations


def _name(task: str) -> str:
    return f"durations:{task}"
