"""Durations of tasks: a forecast of the next run from the last ones."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

#: Number of runs of a task that count: the last ones.
MAX_RUNS = 20


def seconds_of(duration: float) -> float:
    """Return the duration of a run as it is stored."""
    # The clock may have been set back during the run.
    return max(0.0, round(duration, 3))


def with_another(durations: Sequence[float], seconds: float) -> list[float]:
    """Return the durations that count after one more run."""
    return [*durations, seconds_of(seconds)][-MAX_RUNS:]


def median(durations: Sequence[float]) -> float | None:
    """Return how long a task usually takes, in seconds; None if it never ran."""
    return statistics.median(durations) if durations else None
