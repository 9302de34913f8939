"""Searches for jobs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from . import quantities
from .records import Record
from .status import Status


@dataclass(frozen=True, kw_only=True)
class Order:
    """The order of jobs.

    Attributes:
        by: what comes first: ``created``, ``task`` or ``status``. Jobs that have the
            same are in the order of their creation, the newest first.
        is_descending: whether the order is that from the last to the first.
    """

    by: str = "created"
    is_descending: bool = False

    def sorted(self, names: Iterable[str]) -> list[str]:
        """Return the names of tasks or statuses in this order."""
        return sorted(names, reverse=self.is_descending)


#: The newest first.
NEWEST = Order(is_descending=True)


@dataclass(frozen=True, kw_only=True)
class Search:
    """Which jobs to find: the first that meet all conditions.

    Attributes:
        statuses: one of these; None for any.
        task: name of the task; None for any.
        owner: has a ticket of the job; None for anyone.
        order: of the jobs.
        start: how many of them to leave out.
        limit: how many jobs at most.
    """

    statuses: frozenset[Status] | None = None
    task: str | None = None
    owner: str | None = None
    order: Order = NEWEST
    start: int = 0
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
