"""Turns: the workers of a deployment look at a list, one batch after the other.

They take turns, so their number does not add to the cost. A look reads one batch,
however long the list is.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace

from ....core.versions import from_fields
from ..documents.documents import Documents


@dataclass(frozen=True, kw_only=True)
class TurnState:
    """The state that all workers share.

    Attributes:
        at: when a worker has looked last, in seconds since the epoch.
        next: position of the first name of the next batch.
    """

    at: float = 0.0
    next: int = 0

    @classmethod
    def from_text(cls, text: str | None) -> TurnState:
        return from_fields(cls, json.loads(text)) if text else cls()

    def to_text(self) -> str:
        return json.dumps(asdict(self))


class Turns:
    """The turns at one list.

    Args:
        documents: where the state is stored.
        key: of the state.
        pause: seconds between two looks of all workers.
    """

    def __init__(self, documents: Documents, key: str, pause: float) -> None:
        self._documents = documents
        self._key = key
        self._pause = pause

    def take(self, count: int, batch: int) -> int | None:
        """Return the position of the next batch; None if it is not time. Atomic.

        Args:
            count: names of the list.
            batch: names that the caller looks at.
        """
        if not self._is_due(TurnState.from_text(self._documents.read(self._key))):
            return None
        start: int | None = None

        def take(text: str | None) -> str:
            nonlocal start
            state, start = TurnState.from_text(text), None
            if self._is_due(state):
                start = state.next if state.next < count else 0
                state = TurnState(at=time.time(), next=start + batch)
            return state.to_text()

        self._documents.update(self._key, take)
        return start

    def go_back(self, names: int) -> None:
        """Begin the next batch earlier: so many before it have left the list."""

        def go_back(text: str | None) -> str:
            state = TurnState.from_text(text)
            return replace(state, next=max(0, state.next - names)).to_text()

        if names:
            self._documents.update(self._key, go_back)

    def _is_due(self, state: TurnState) -> bool:
        # The clock of another worker may be ahead.
        return not 0 <= time.time() - state.at < self._pause
