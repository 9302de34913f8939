"""The requesters of live jobs: their turns in lanes, and when their pages polled."""

from __future__ import annotations

from ...core import limits
from ...core.ids import Ticket
from ...core.lanes import NO_LANE, Admission, Lane, Turns
from .database import Database


class Requesters:
    """A row for each ticket of a live job that has a lane or a ``leave_timeout``.

    Times are those of the monotonic clock, which all processes of a machine share.

    Args:
        database: call what writes in a transaction of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def admit(self, lane: Lane | None) -> Admission:
        """Return what happens to a job that comes to a lane."""
        return NO_LANE if lane is None else self._turns(lane.name).admit(lane)

    def add(
        self,
        ticket: Ticket,
        lane: Lane | None,
        leave_timeout: float | None,
        *,
        waits: bool,
        now: float,
    ) -> None:
        """Add a requester.

        Args:
            ticket: of it.
            lane: that it was admitted to.
            leave_timeout: seconds without a poll after which its page has left.
            waits: whether its job waits for its turn in the lane.
            now: by the monotonic clock.
        """
        if lane is None and leave_timeout is None:
            return
        turns = self._turns(lane.name) if lane is not None else Turns()
        self._database.run(
            "INSERT INTO requester (ticket, job, lane, seq, position, waits,"
            " leave_timeout, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            str(ticket),
            ticket.job,
            lane.name if lane else None,
            lane.seq if lane else None,
            len(turns.order),
            int(waits),
            leave_timeout,
            now,
        )
        if lane is not None and turns.order:
            self._number(turns.enter(str(ticket), lane.seq))

    def remove(self, ticket: Ticket, lane: str | None) -> Ticket | None:
        """Remove a requester. Idempotent.

        Returns:
            The ticket of the job that has its turn in the lane now, if one waited.
        """
        self._database.run("DELETE FROM requester WHERE ticket = ?", str(ticket))
        if lane is None:
            return None
        rows = self._database.query(
            "SELECT ticket FROM requester WHERE lane = ? AND waits = 1", lane
        )
        waiting = {name for (name,) in rows}
        following = self._turns(lane).next_turn(waiting) if waiting else None
        if following is None:
            return None
        self._database.run("UPDATE requester SET waits = 0 WHERE ticket = ?", following)
        return Ticket.parse(following)

    def see(self, ticket: Ticket, leave_timeout: float, now: float) -> None:
        """Note that a page has polled, if that is news. Cheap otherwise."""
        seen = self._database.value(
            "SELECT seen FROM requester WHERE ticket = ?", str(ticket)
        )
        if limits.is_news(seen, leave_timeout, now):
            self._database.run(
                "UPDATE requester SET seen = ? WHERE ticket = ?", now, str(ticket)
            )

    def expect_no_poll(self, ticket: Ticket) -> None:
        """Note that a requester has cancelled: its page need not poll. Idempotent."""
        self._database.run(
            "UPDATE requester SET leave_timeout = NULL WHERE ticket = ?", str(ticket)
        )

    def left(self, reachable_since: float, now: float) -> list[Ticket]:
        """Return the tickets whose pages have left.

        Args:
            reachable_since: since when pages could poll without a break.
            now: by the monotonic clock.
        """
        rows = self._database.query(
            "SELECT ticket, leave_timeout, seen FROM requester"
            " WHERE leave_timeout IS NOT NULL"
        )
        return [
            Ticket.parse(ticket)
            for ticket, leave_timeout, seen in rows
            if limits.has_left(
                seen, leave_timeout, now, reachable_since=reachable_since
            )
        ]

    def _turns(self, lane: str) -> Turns:
        rows = self._database.query(
            "SELECT ticket, seq FROM requester WHERE lane = ? ORDER BY position", lane
        )
        return Turns(tuple(rows))

    def _number(self, turns: Turns) -> None:
        for position, ticket in enumerate(turns.tickets):
            self._database.run(
                "UPDATE requester SET position = ? WHERE ticket = ?", position, ticket
            )
