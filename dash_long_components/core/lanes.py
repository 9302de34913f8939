"""The rules of lanes: what a new job of a lane means for the live jobs in it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto

from .jobs import Lane, Retrigger


class Entry(Enum):
    """The way in which a job enters a lane."""

    NOW = auto()  #: it goes to the queue
    WAIT = auto()  #: it goes to the queue when the jobs before it have left the lane
    LATE = auto()  #: it is cancelled: the page has triggered a live job after it
    NEVER = auto()  #: it is not made: the lane ignores triggers while a job is live


@dataclass(frozen=True, kw_only=True)
class Admission:
    """The answer of a lane to a new job.

    Attributes:
        entry: what happens to the job.
        replaced: tickets to cancel. Cancel them after the new job has joined another
            one: it may replace a ticket of the very job that it joins.
    """

    entry: Entry
    replaced: tuple[str, ...] = ()

    @property
    def is_placed(self) -> bool:
        """Whether the job takes a place in the lane."""
        return self.entry in (Entry.NOW, Entry.WAIT)

    @property
    def may_join(self) -> bool:
        """Whether the job may join a live job that asks for the same.

        A job that waits in its lane may not: it would keep others waiting with it.
        """
        return self.entry is Entry.NOW

    @property
    def needs_job_for_hit(self) -> bool:
        """Whether a cached result has to wait for its turn, as a job."""
        return self.entry is Entry.WAIT

    @property
    def shows_hit(self) -> bool:
        """Whether the page gets a cached result at once; otherwise it gets nothing."""
        return self.entry is Entry.NOW


#: The answer to a job without a lane.
NO_LANE = Admission(entry=Entry.NOW)


@dataclass(frozen=True)
class Line:
    """The live tickets of one lane, in the order of their turns.

    Attributes:
        places: ticket and ``Lane.seq`` of each. The first one has its turn.
    """

    places: tuple[tuple[str, int], ...] = ()

    @property
    def tickets(self) -> tuple[str, ...]:
        return tuple(ticket for ticket, _ in self.places)

    def admit(self, lane: Lane) -> Admission:
        """Return what happens to a job that comes to the lane."""
        match lane.retrigger:
            case Retrigger.IGNORE if self.places:
                return Admission(entry=Entry.NEVER)
            case Retrigger.REPLACE if any(seq > lane.seq for _, seq in self.places):
                return Admission(entry=Entry.LATE)
            case Retrigger.REPLACE:
                return Admission(entry=Entry.NOW, replaced=self.tickets)
            case Retrigger.QUEUE if self.places:
                return Admission(entry=Entry.WAIT)
        return NO_LANE

    def enter(self, ticket: str, seq: int) -> Line:
        """Add a ticket. Idempotent.

        Requests may overtake each other: behind the first one, ``seq`` is the order.
        """
        first, rest = self.places[:1], self.places[1:]
        if ticket in self.tickets:
            return self
        return Line((*first, *sorted([*rest, (ticket, seq)], key=lambda it: it[1])))

    def leave(self, ticket: str) -> Line:
        """Take a ticket out. Idempotent."""
        return Line(tuple(place for place in self.places if place[0] != ticket))

    def exchange(self, old: str, new: str) -> Line:
        """Give the place of one ticket to another. No effect if ``old`` has none."""
        return Line(
            tuple((new if name == old else name, seq) for name, seq in self.places)
        )

    def only(self, live: Collection[str]) -> Line:
        """Return the line without the tickets that are not in ``live``."""
        return Line(tuple(place for place in self.places if place[0] in live))

    def before(self, ticket: str) -> tuple[str, ...]:
        """Return the tickets whose turn comes before this one's.

        None does if the ticket has no place: nothing can tell it that its turn came.
        """
        if ticket not in self.tickets:
            return ()
        return self.tickets[: self.tickets.index(ticket)]

    def next_turn(self, waiting: Collection[str]) -> str | None:
        """Return the ticket whose job goes to the queue now that another has left.

        Args:
            waiting: the tickets whose jobs have not gone to the queue.
        """
        first = self.tickets[:1]
        return first[0] if first and first[0] in waiting else None

    def to_json(self) -> str:
        return json.dumps(self.places)

    @classmethod
    def from_json(cls, text: str | None) -> Line:
        """Undo ``to_json``; None makes an empty line."""
        return cls(tuple((ticket, seq) for ticket, seq in json.loads(text or "[]")))
