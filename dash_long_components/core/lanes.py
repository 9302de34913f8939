"""The rule of lanes: what a new job of a callback on a page means for the live ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from .jobs import Lane, Retrigger


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
