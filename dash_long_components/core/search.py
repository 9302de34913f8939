"""Searches for jobs.

Everything here is pure: no clock, no store, no process.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from . import quantities
from .jobs import Status
from .records import Record


@dataclass(frozen=True, kw_only=True)
class Search:
    """Which jobs to find: the newest that meet all conditions.

    Attributes:
        statuses: one of these; None for any.
        task: name of the task; None for any.
        owner: has a ticket of the job; None for anyone.
        limit: how many jobs at most.
    """

    statuses: frozenset[Status] | None = None
    task: str | None = None
    owner: str | None = None
    limit: int = 100

    def finds(self, record: Record) -> bool:
        """Return whether a job meets the conditions."""
        return (
            (self.statuses is None or record.status in self.statuses)
            and (self.task is None or record.task == self.task)
            and (self.owner is None or record.is_of(self.owner))
        )


def statuses(value: str | Iterable[str] | None) -> frozenset[Status] | None:
    """Return the statuses that ``status=`` names; None for any.

    Raises:
        ValueError: there is no such status.
    """
    if value is None:
        return None
    names = [value] if isinstance(value, str) else list(value)
    try:
        return frozenset(map(Status, names))
    except ValueError:
        known = ", ".join(status.value for status in Status)
        raise ValueError(
            f"status= takes one of {known}, or a list of them, not {value!r}."
        ) from None


def limit(value: int) -> int:
    """Return how many jobs a search finds at most.

    Raises:
        ValueError: it is not a whole number above zero.
    """
    return quantities.count("limit", value)
