"""The requesters of a job, and the rules of joining and leaving it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .calls import Destination

#: How many requesters of each user that have left a job remembers: their pages may ask
#: once more.
REMEMBERED = 10


@dataclass(frozen=True, kw_only=True)
class Requester:
    """One of those who wait for a job. Equal calls join the same live job.

    Attributes:
        id: unique among the requesters of the job.
        lane: name of its lane; None if it has none.
        owner: the user to whom it belongs, as JSON text; None if it has none.
        left: cursor of the job when it cancelled; None while it waits.
        destination: the page that gets the result; None for code.
    """

    id: str
    lane: str | None = None
    owner: str | None = None
    left: int | None = None
    destination: Destination | None = None


def staying(requesters: Sequence[Requester]) -> list[Requester]:
    """Return the requesters that have not cancelled."""
    return [each for each in requesters if each.left is None]


def next_id(requesters: Sequence[Requester]) -> str:
    """Return an id that no requester of the job has had, if all ids come from here."""
    return str(int(requesters[-1].id) + 1 if requesters else 0)


def joined(requesters: Sequence[Requester], new: Requester) -> tuple[Requester, ...]:
    """Add a requester, unless all others have left. Idempotent.

    The last one to leave cancels the job. Those that have left long ago are forgotten:
    a page may send the same trigger for hours.
    """
    all_have_left = bool(requesters) and not staying(requesters)
    if new in requesters or all_have_left:
        return tuple(requesters)
    forgotten = _forgotten(requesters)
    return (*(each for each in requesters if each.id not in forgotten), new)


def _forgotten(requesters: Sequence[Requester]) -> set[str]:
    """Return the ids of those that have left before ``REMEMBERED`` others of the user.

    The first one says whose job it is, the last one which ids there have been.
    """
    seen: Counter[str | None] = Counter()
    forgotten: set[str] = set()
    for each in sorted(requesters[1:-1], key=lambda it: it.left or 0, reverse=True):
        if each.left is not None:
            seen[each.owner] += 1
            if seen[each.owner] > REMEMBERED:
                forgotten.add(each.id)
    return forgotten


def without(
    requesters: Sequence[Requester], requester_id: str, cursor: int
) -> tuple[Requester, ...]:
    """Note that a requester cancels. Idempotent.

    Args:
        requesters: of the job.
        requester_id: which one cancels.
        cursor: of the job after that.
    """
    return tuple(
        replace(each, left=cursor)
        if each.id == requester_id and each.left is None
        else each
        for each in requesters
    )
