"""Lanes and flights in a Celery result backend: a document for each of them.

None is ever cleared away when a job ends: who reads it looks which jobs are live. So
nothing is amiss when a process dies between the end of a job and what follows from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TypeAlias

from ...core.jobs import Lane, Ticket
from ...core.lanes import Admission, Entry, admit, line_up
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
            return Admission(entry=Entry.NOW)
        admission = Admission(entry=Entry.NOW)

        def change(text: str | None) -> str:
            nonlocal admission
            # It stands there itself if the backend has lost its answer to a first try.
            others = [item for item in self._live(text) if item[0] != str(ticket)]
            admission = admit(lane, others)
            if ticket is not None and admission.entry in (Entry.NOW, Entry.WAIT):
                others = line_up(others, (str(ticket), lane.seq))
            return json.dumps(others)

        self._documents.update(_key(lane.name), change)
        return admission

    def exchange(self, lane: Lane | None, old: Ticket, new: Ticket) -> None:
        """Put one ticket in the place of another."""
        if lane is None:
            return

        def change(text: str | None) -> str:
            items = [
                (str(new) if name == str(old) else name, seq)
                for name, seq in json.loads(text or "[]")
            ]
            return json.dumps(items)

        self._documents.update(_key(lane.name), change)

    def is_turn(self, name: str, ticket: Ticket) -> bool:
        """Tell whether no live job of a lane comes before this one."""
        line = json.loads(self._documents.read(_key(name)) or "[]")
        names = [name for name, _ in line]
        if str(ticket) not in names:
            return True
        before = names[: names.index(str(ticket))]
        return not any(self._are_live([Ticket.parse(name) for name in before]))

    def _live(self, text: str | None) -> list[tuple[str, int]]:
        line = [(name, seq) for name, seq in json.loads(text or "[]")]
        live = self._are_live([Ticket.parse(name) for name, _ in line])
        return [item for item, is_live in zip(line, live, strict=True) if is_live]


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
