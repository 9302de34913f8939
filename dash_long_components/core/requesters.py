"""The requesters of a job, and the rules of joining and leaving it.

Everything here is pure: no clock, no store, no process.
"""

from __future__ import annotations

from dataclasses import dataclass

from .jobs import Destination


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
