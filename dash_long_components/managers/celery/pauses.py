"""What operators hold back, as workers and servers read it."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...core.holds import Holds
from .documents import Documents

_KEY = "dash-long-jobs.holds"

#: Seconds for which a worker does not read the holds again.
_FRESH = 0.5


class Pauses:
    """The holds, in a document.

    Args:
        documents: where it is stored.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._holds = Holds()
        self._look_again = 0.0

    def read(self) -> Holds:
        """Return what is held back."""
        return Holds.from_json(self._documents.read(_KEY))

    def change(self, change: Callable[[Holds], Holds]) -> Holds:
        """Change what is held back, and return it. Atomic where updates are."""
        text = self._documents.update(
            _KEY, lambda text: change(Holds.from_json(text)).to_json()
        )
        return Holds.from_json(text)

    def is_paused(self, task: str) -> bool:
        """Return whether a task is, or was a moment ago. Cheap."""
        return task in self._recent().paused

    def is_draining(self) -> bool:
        """Return whether no job can be started, or could not a moment ago. Cheap."""
        return self._recent().is_draining(time.time())

    def _recent(self) -> Holds:
        now = time.monotonic()
        if now >= self._look_again:
            self._holds = self.read()
            self._look_again = now + _FRESH
        return self._holds
