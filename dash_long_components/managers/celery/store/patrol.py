"""The patrol: workers read the live jobs, as no page may ask for one.

A reader sends a job again whose message is lost, and ends one whose worker has died.
Most jobs have a page that polls for them. A job of a script may have no reader.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace

from ....core.versions import from_fields
from ..documents.documents import Documents
from ..documents.listings import Listings

#: Jobs that are read at once.
BATCH = 200

_KEY = "dash-long-jobs.patrol"


@dataclass(frozen=True, kw_only=True)
class PatrolState:
    """The state that all workers share.

    Attributes:
        at: when a worker has looked last, in seconds since the epoch.
        next: position of the first job of the next batch.
    """

    at: float = 0.0
    next: int = 0

    @classmethod
    def from_text(cls, text: str | None) -> PatrolState:
        return from_fields(cls, json.loads(text)) if text else cls()

    def to_text(self) -> str:
        return json.dumps(asdict(self))


class Patrol:
    """Reads one batch after the other, from the oldest jobs to the newest.

    The workers of a deployment take turns, so their number does not add to the cost.

    Args:
        documents: where the state is stored.
        listings: have the live jobs.
        lease: of the workers, in seconds. Each looks three times in a lease.
    """

    def __init__(self, documents: Documents, listings: Listings, lease: float) -> None:
        self._documents = documents
        self._listings = listings
        self._rest = lease / 6

    def look(self) -> None:
        """Read the next batch, unless another worker has just read one."""
        count = self._listings.count_live()
        if not count or not self._is_due(self._state()):
            return
        start: int | None = None

        def take(text: str | None) -> str:
            nonlocal start
            state, start = PatrolState.from_text(text), None
            if self._is_due(state):
                start = state.next if state.next < count else 0
                state = PatrolState(at=time.time(), next=start + BATCH)
            return state.to_text()

        self._documents.update(_KEY, take)
        if start is not None and (removed := self._listings.read_live(start, BATCH)):
            self._go_back(removed)

    def _go_back(self, jobs: int) -> None:
        """Begin the next batch earlier: so many before it have left the list."""

        def go_back(text: str | None) -> str:
            state = PatrolState.from_text(text)
            return replace(state, next=max(0, state.next - jobs)).to_text()

        self._documents.update(_KEY, go_back)

    def _state(self) -> PatrolState:
        return PatrolState.from_text(self._documents.read(_KEY))

    def _is_due(self, state: PatrolState) -> bool:
        # The clock of another worker may be ahead.
        return not 0 <= time.time() - state.at < self._rest
