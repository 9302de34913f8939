"""The rules of lanes: what a new job of a lane means for the live jobs in it."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum, auto


class Retrigger(str, Enum):
    """The effect of a new trigger while a job of the same lane is live."""

    REPLACE = "replace"  #: cancels the live job
    QUEUE = "queue"  #: waits until the live job has ended
    PARALLEL = "parallel"  #: runs beside the live job
    IGNORE = "ignore"  #: nothing


@dataclass(frozen=True, kw_only=True)
class Lane:
    """The lane of a new job, and how the job enters it.

    A lane is the jobs of one callback, of one MATCH instance of it, on one page of
    one user.

    Attributes:
        name: of the lane.
        seq: the page numbers its triggers in order. Requests may arrive in another.
        retrigger: what happens to the live jobs of the lane.
    """

    name: str
    seq: int
    retrigger: Retrigger


class Answer(Enum):
    """What happens to a job that comes to a lane."""

    ENTER = auto()  #: it goes to the queue
    WAIT = auto()  #: it goes to the queue when the jobs before it have left the lane
    CANCEL = auto()  #: it ends as cancelled: the page has triggered a live job after it
    IGNORE = auto()  #: it is not made: the lane ignores triggers while a job is live


@dataclass(frozen=True, kw_only=True)
class Admission:
    """The answer of a lane to a new job.

    Attributes:
        answer: what happens to the job.
        replaced: tickets to cancel. Cancel them after the new job has joined another
            one: it may replace a ticket of the very job that it joins. A job store
            cancels them before it adds the new job, so that they leave it their room in
            the queue; Celery after its broker has accepted the new job.
    """

    answer: Answer
    replaced: tuple[str, ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether the job is one of the live jobs of the lane from now on."""
        return self.answer in (Answer.ENTER, Answer.WAIT)

    @property
    def waits(self) -> bool:
        """Whether the job goes to the queue later, when its turn comes."""
        return self.answer is Answer.WAIT

    @property
    def may_join(self) -> bool:
        """Whether the job may join a live job that asks for the same.

        A job that waits in its lane may not: it would keep others waiting with it.
        """
        return self.answer is Answer.ENTER


#: The answer to a job without a lane.
NO_LANE = Admission(answer=Answer.ENTER)


@dataclass(frozen=True)
class Turns:
    """The live tickets of one lane, in the order of their turns.

    Attributes:
        order: ticket and ``Lane.seq`` of each. The first one has its turn.
    """

    order: tuple[tuple[str, int], ...] = ()

    @property
    def tickets(self) -> tuple[str, ...]:
        return tuple(ticket for ticket, _ in self.order)

    def admit(self, lane: Lane) -> Admission:
        """Return what happens to a job that comes to the lane."""
        match lane.retrigger:
            case Retrigger.IGNORE if self.order:
                return Admission(answer=Answer.IGNORE)
            case Retrigger.REPLACE if any(seq > lane.seq for _, seq in self.order):
                return Admission(answer=Answer.CANCEL)
            case Retrigger.REPLACE:
                return Admission(answer=Answer.ENTER, replaced=self.tickets)
            case Retrigger.QUEUE if self.order:
                return Admission(answer=Answer.WAIT)
        return NO_LANE

    def enter(self, ticket: str, seq: int) -> Turns:
        """Add a ticket. Idempotent.

        Requests may overtake each other: behind the first one, ``seq`` is the order.
        """
        first, rest = self.order[:1], self.order[1:]
        if ticket in self.tickets:
            return self
        return Turns((*first, *sorted([*rest, (ticket, seq)], key=lambda it: it[1])))

    def leave(self, ticket: str) -> Turns:
        """Take a ticket out. Idempotent."""
        return Turns(tuple(each for each in self.order if each[0] != ticket))

    def exchange(self, old: str, new: str) -> Turns:
        """Give the turn of one ticket to another. No effect if ``old`` has none."""
        return Turns(
            tuple((new if name == old else name, seq) for name, seq in self.order)
        )

    def only(self, live: Collection[str]) -> Turns:
        """Return the turns without those of tickets that are not in ``live``."""
        return Turns(tuple(each for each in self.order if each[0] in live))

    def before(self, ticket: str) -> tuple[str, ...]:
        """Return the tickets whose turn comes before this one's.

        Returns none if the ticket is not in the lane, because it would wait forever.
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

    def to_text(self) -> str:
        return json.dumps(self.order)

    @classmethod
    def from_text(cls, text: str | None) -> Turns:
        """Undo ``to_text``; None means no tickets."""
        return cls(tuple((ticket, seq) for ticket, seq in json.loads(text or "[]")))
