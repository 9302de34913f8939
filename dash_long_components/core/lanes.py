"""Lanes in a store: which jobs of the same callback on a page are live."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from .jobs import Lane, Retrigger, Ticket

if TYPE_CHECKING:
    import diskcache


class Entry(Enum):
    """What a lane has for a job that comes to it."""

    NOW = auto()  #: it goes on the queue
    WAIT = auto()  #: it goes on the queue when those before it have left the lane
    LATE = auto()  #: it ends at once: the page triggered a live one after it
    NEVER = auto()  #: there is to be no such job


@dataclass(frozen=True, kw_only=True)
class Admission:
    """The answer to a job that comes to a lane.

    Attributes:
        entry: what to do with it.
        replaced: those to cancel for it.
    """

    entry: Entry
    replaced: tuple[str, ...] = ()


def admit(lane: Lane, live: Sequence[tuple[str, int]]) -> Admission:
    """Decide on a job that comes to a lane, by name and seq of the live ones in it."""
    match lane.retrigger:
        case Retrigger.IGNORE if live:
            return Admission(entry=Entry.NEVER)
        case Retrigger.REPLACE if any(seq > lane.seq for _, seq in live):
            return Admission(entry=Entry.LATE)
        case Retrigger.REPLACE:
            return Admission(
                entry=Entry.NOW, replaced=tuple(job_id for job_id, _ in live)
            )
        case Retrigger.QUEUE if live:
            return Admission(entry=Entry.WAIT)
    return Admission(entry=Entry.NOW)


def line_up(
    live: Sequence[tuple[str, int]], new: tuple[str, int]
) -> list[tuple[str, int]]:
    """Return who is live in a lane when a new one has come, in order of their turns.

    Requests may overtake each other: those that wait do so by their numbers.
    """
    return [*live[:1], *sorted([*live[1:], new], key=lambda item: item[1])]


class Lanes:
    """The live jobs of every lane. Call its methods in a transaction.

    Args:
        cache: in which there is a row for each lane that has live jobs.
    """

    def __init__(self, cache: diskcache.Cache) -> None:
        self._cache = cache

    def admit(self, lane: Lane | None) -> Admission:
        """Say what is to be done with a job that comes to a lane, and with others."""
        if lane is None:
            return Admission(entry=Entry.NOW)
        return admit(lane, self._read(lane.name)["jobs"])

    def enter(self, ticket: Ticket, lane: Lane, *, waits: bool = False) -> None:
        """Add a job that was admitted, be it to wait."""
        row = self._read(lane.name)
        row["jobs"] = line_up(row["jobs"], (str(ticket), lane.seq))
        if waits:
            row["waiting"].append(str(ticket))
        self._write(lane.name, row)

    def leave(self, name: str, ticket: Ticket) -> Ticket | None:
        """Take a job that has ended, or is not asked for any more, out of its lane.

        Returns:
            Of a job that waited for this, and goes on the queue now.
        """
        row = self._read(name)
        row["jobs"] = [item for item in row["jobs"] if item[0] != str(ticket)]
        waiting = {*row["waiting"]} - {str(ticket)}
        next_ones = {item for item, _ in row["jobs"][:1]} & waiting
        row["waiting"] = sorted(waiting - next_ones)
        self._write(name, row)
        return Ticket.parse(*next_ones) if next_ones else None

    def _read(self, name: str) -> dict[str, Any]:
        """Return the live jobs of a lane with their numbers, and which of them wait."""
        row = self._cache.get(_lane(name), "{}")
        return {"jobs": [], "waiting": [], **json.loads(row)}

    def _write(self, name: str, row: dict[str, Any]) -> None:
        if row["jobs"]:
            self._cache.set(_lane(name), json.dumps(row))
        else:
            self._cache.delete(_lane(name))


def _lane(name: str) -> str:
    return f"lane:{name}"
