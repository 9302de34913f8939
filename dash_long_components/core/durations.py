"""How long tasks take: what their last runs took, and what that says of the next."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

#: How many runs of a task count: the last ones.
KEPT = 20


def with_another(durations: Sequence[float], seconds: float) -> list[float]:
    """Return the durations that count after one more run."""
    # A clock that is set back is no reason for less than nothing.
    return [*durations, max(0.0, round(seconds, 3))][-KEPT:]


def median(durations: Sequence[float]) -> float | None:
    """Return how long a task usually takes, in seconds; None if it never ran."""
    return statistics.median(durations) if durations else None
