"""Lanes in a store: which jobs of the same callback on a page are live."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ...core.jobs import Lane, Ticket
from ...core.lanes import NO_LANE, Admission, Line

if TYPE_CHECKING:
    import diskcache


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
            return NO_LANE
        return _line(self._read(lane.name)).admit(lane)

    def enter(self, ticket: Ticket, lane: Lane, *, waits: bool = False) -> None:
        """Add a job that was admitted, be it to wait."""
        row = self._read(lane.name)
        row["jobs"] = _line(row).enter(str(ticket), lane.seq).places
        if waits:
            row["waiting"].append(str(ticket))
        self._write(lane.name, row)

    def leave(self, name: str, ticket: Ticket) -> Ticket | None:
        """Take a job that has ended, or is not asked for any more, out of its lane.

        Returns:
            Of a job that waited for this, and goes on the queue now.
        """
        row = self._read(name)
        line = _line(row).leave(str(ticket))
        waiting = {*row["waiting"]} - {str(ticket)}
        following = line.next_turn(waiting)
        row["jobs"], row["waiting"] = line.places, sorted(waiting - {following})
        self._write(name, row)
        return Ticket.parse(following) if following else None

    def _read(self, name: str) -> dict[str, Any]:
        """Return the live jobs of a lane with their numbers, and which of them wait."""
        row = self._cache.get(_lane(name), "{}")
        return {"jobs": [], "waiting": [], **json.loads(row)}

    def _write(self, name: str, row: dict[str, Any]) -> None:
        if row["jobs"]:
            self._cache.set(_lane(name), json.dumps(row))
        else:
            self._cache.delete(_lane(name))


def _line(row: dict[str, Any]) -> Line:
    return Line(tuple((ticket, seq) for ticket, seq in row["jobs"]))


def _lane(name: str) -> str:
    return f"lane:{name}"
