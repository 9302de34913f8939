"""Lanes and joinable jobs in a Celery result backend: a document for each.

The end of a job changes none of them. A reader looks which of the jobs in a document
are live, so a process may die between the end of a job and what follows from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

from ....core.ids import Ticket
from ....core.lanes import NO_LANE, Admission, Lane, Turns
from ....core.records import Record
from ....core.single_flight import holder
from .documents import Documents

#: Tells for each ticket whether its requester waits for a live job.
AreLive: TypeAlias = Callable[[Sequence[Ticket]], list[bool]]

#: Returns the record of the job with an id, or None.
Find: TypeAlias = Callable[[str], Record | None]


class CeleryLanes:
    """The live jobs of every lane, in the order of their turns.

    Args:
        documents: where to store them.
        are_live: tells which tickets are live.
    """

    def __init__(self, documents: Documents, are_live: AreLive) -> None:
        self._documents = documents
        self._are_live = are_live

    def enter(self, ticket: Ticket | None, lane: Lane | None) -> Admission:
        """Add a job to its lane, and return what follows for it and for others.

        Atomic where updates are. A cache hit has no ticket: it leaves the lane as soon
        as it enters.
        """
        if lane is None:
            return NO_LANE
        admission = NO_LANE

        def change(text: str | None) -> str:
            nonlocal admission
            # The ticket is in it if the backend's answer to a first try was lost.
            others = self._live(Turns.from_text(text)).leave(str(ticket))
            admission = others.admit(lane)
            if ticket is not None and admission.is_live:
                others = others.enter(str(ticket), lane.seq)
            return others.to_text()

        self._documents.update(_lane_key(lane.name), change)
        return admission

    def exchange(self, lane: Lane | None, old: Ticket, new: Ticket) -> None:
        """Replace one ticket with another."""
        if lane is None:
            return

        def change(text: str | None) -> str:
            return Turns.from_text(text).exchange(str(old), str(new)).to_text()

        self._documents.update(_lane_key(lane.name), change)

    def is_turn(self, name: str, ticket: Ticket) -> bool:
        """Return whether no live job of a lane comes before this one."""
        turns = Turns.from_text(self._documents.read(_lane_key(name)))
        return not self._live_of(turns.before(str(ticket)))

    def _live(self, turns: Turns) -> Turns:
        return turns.only(self._live_of(turns.tickets))

    def _live_of(self, tickets: Sequence[str]) -> set[str]:
        are_live = self._are_live([Ticket.parse(ticket) for ticket in tickets])
        return {it for it, is_live in zip(tickets, are_live, strict=True) if is_live}


class JoinableJobs:
    """The job of every key that equal calls join.

    Args:
        documents: where to store them.
        find: returns the record of a job.
    """

    def __init__(self, documents: Documents, find: Find) -> None:
        self._documents = documents
        self._find = find

    def take_key(self, key: str, job_id: str) -> str:
        """Return the job that holds a key: this one, unless another does already.

        Atomic where updates are.
        """
        return self._documents.update(
            _joinable_key(key),
            lambda found: holder(job_id, self._find(found) if found else None),
        )


def keys_of(record: Record) -> list[str]:
    """Return the documents of the lanes and of the key of a live job."""
    lanes = {requester.lane for requester in record.staying}
    keys = [_lane_key(name) for name in lanes if name is not None]
    return keys if record.key is None else [*keys, _joinable_key(record.key)]


def _joinable_key(key: str) -> str:
    return f"dash-long-jobs.joinable.{key}"


def _lane_key(name: str) -> str:
    return f"dash-long-jobs.lane.{hashlib.sha256(name.encode()).hexdigest()}"
