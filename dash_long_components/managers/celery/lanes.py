"""Lanes and flights in a Celery result backend: a document for each of them.

None is ever cleared away when a job ends: who reads it looks which jobs are live. So
nothing is amiss when a process dies between the end of a job and what follows from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

from ...core.jobs import Lane, Ticket
from ...core.lanes import NO_LANE, Admission, Line
from .documents import Documents

#: Tells of each ticket whether somebody waits for it.
AreLive: TypeAlias = Callable[[Sequence[Ticket]], list[bool]]


class CeleryLanes:
    """Who is live in every lane, in the order of their turns.

    Args:
        documents: where to keep them.
        are_live: tells it of tickets.
    """

    def __init__(self, documents: Documents, are_live: AreLive) -> None:
        self._documents = documents
        self._are_live = are_live

    def enter(self, ticket: Ticket | None, lane: Lane | None) -> Admission:
        """Bring a job to its lane, and say what is to be done with it and others.

        Atomic, where updates are. None stands for what needs no job: it is treated as
        one that ends as soon as it comes.
        """
        if lane is None:
            return NO_LANE
        admission = NO_LANE

        def change(text: str | None) -> str:
            nonlocal admission
            # The ticket is in it if the backend's answer to a first try was lost.
            others = self._live(Line.from_json(text)).leave(str(ticket))
            admission = others.admit(lane)
            if ticket is not None and admission.is_placed:
                others = others.enter(str(ticket), lane.seq)
            return others.to_json()

        self._documents.update(_key(lane.name), change)
        return admission

    def exchange(self, lane: Lane | None, old: Ticket, new: Ticket) -> None:
        """Put one ticket in the place of another."""
        if lane is None:
            return

        def change(text: str | None) -> str:
            return Line.from_json(text).exchange(str(old), str(new)).to_json()

        self._documents.update(_key(lane.name), change)

    def is_turn(self, name: str, ticket: Ticket) -> bool:
        """Tell whether no live job of a lane comes before this one."""
        line = Line.from_json(self._documents.read(_key(name)))
        return not self._live_of(line.before(str(ticket)))

    def _live(self, line: Line) -> Line:
        return line.only(self._live_of(line.tickets))

    def _live_of(self, tickets: Sequence[str]) -> set[str]:
        are_live = self._are_live([Ticket.parse(ticket) for ticket in tickets])
        return {it for it, is_live in zip(tickets, are_live, strict=True) if is_live}


class CeleryFlights:
    """The job that those who ask for the same key have in common.

    Args:
        documents: where to keep them.
        is_joinable: tells it of a job's id.
    """

    def __init__(
        self, documents: Documents, is_joinable: Callable[[str], bool]
    ) -> None:
        self._documents = documents
        self._is_joinable = is_joinable

    def claim(self, key: str, job_id: str) -> str:
        """Return the job that asks for a key: this one, if there is no other. Atomic,
        where updates are.
        """
        return self._documents.update(
            f"dash-long-jobs.flight.{key}",
            lambda found: found if found and self._is_joinable(found) else job_id,
        )


def _key(name: str) -> str:
    return f"dash-long-jobs.lane.{hashlib.sha256(name.encode()).hexdigest()}"
