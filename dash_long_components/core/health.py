"""The health of a manager: whether the jobs that it gets now will run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Health:
    """Whether a manager can run jobs, and how many wait.

    Attributes:
        problem: why it can't run jobs, without hosts and paths; None if it can.
        queued: how many jobs wait; None if the manager does not know.
        running: how many jobs run; None if the manager does not know.
        oldest_wait: seconds for which the oldest queued job has waited; None if no job
            waits, or the manager does not know.
    """

    problem: str | None = None
    queued: int | None = None
    running: int | None = None
    oldest_wait: float | None = None

    def with_limit(self, max_wait: float | None) -> Health:
        """Return it with a problem if a job has waited for too long.

        Args:
            max_wait: seconds for which the oldest queued job may wait; None for no
                limit.
        """
        waits = self.oldest_wait
        if self.problem or max_wait is None or waits is None or waits <= max_wait:
            return self
        return Health(
            problem=f"the oldest queued job has waited for {waits:.0f} s",
            queued=self.queued,
            running=self.running,
            oldest_wait=waits,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what the endpoint tells, as JSON data."""
        waits = self.oldest_wait
        return {
            "problem": self.problem,
            "queued": self.queued,
            "running": self.running,
            "oldest_wait": None if waits is None else round(waits, 1),
        }
