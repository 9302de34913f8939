"""What operators keep from starting, as workers and servers read it."""

from __future__ import annotations

import time
from collections.abc import Callable

from ....core.halts import Halts
from .documents import Documents

_KEY = "dash-long-jobs.halts"

#: Seconds for which a worker does not read the halts again.
_FRESH = 0.5


class StoredHalts:
    """The halts, in a document.

    Args:
        documents: where it is stored.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._halts = Halts()
        self._look_again = 0.0

    def read(self) -> Halts:
        """Return the halts."""
        return Halts.from_text(self._documents.read(_KEY))

    def change(self, change: Callable[[Halts], Halts]) -> Halts:
        """Change the halts, and return them. Atomic where updates are."""
        text = self._documents.update(
            _KEY, lambda text: change(Halts.from_text(text)).to_text()
        )
        return Halts.from_text(text)

    def is_paused(self, task: str) -> bool:
        """Return whether a task is, or was a moment ago. Cheap."""
        return task in self._recent().paused

    def is_draining(self) -> bool:
        """Return whether no job can be started, or could not a moment ago. Cheap."""
        return self._recent().is_draining(time.time())

    def _recent(self) -> Halts:
        now = time.monotonic()
        if now >= self._look_again:
            self._halts = self.read()
            self._look_again = now + _FRESH
        return self._halts
