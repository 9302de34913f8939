"""How long tasks take: what their last runs took, and what that says of the next."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import diskcache

#: How many runs of a task count: the last ones.
KEPT = 20


def with_another(durations: Sequence[float], seconds: float) -> list[float]:
    """Return the durations that count after one more run."""
    # A clock that is set back is no reason for less than nothing.
    return [*durations, max(0.0, round(seconds, 3))][-KEPT:]


def median(durations: Sequence[float]) -> float | None:
    """Return how long a task usually takes, in seconds; None if it never ran."""
    return statistics.median(durations) if durations else None


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
