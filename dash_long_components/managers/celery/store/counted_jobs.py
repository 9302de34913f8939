"""The jobs of which operators see counts."""

from __future__ import annotations

import threading
import time
from collections import ChainMap, Counter
from collections.abc import Iterable

from ....core.status import Status
from ..documents.listings import Entry, Listings

#: The jobs that are counted: so many live ones, running ones first, and so many of the
#: newest ones that have ended. The backend has no index of statuses.
_COUNTED = 1000

#: Seconds for which one look serves all operators.
_FRESH = 1.0

#: Seconds after which a look begins with nothing. A process that died may have left a
#: job in a list, and the backend may have dropped one.
_AGAIN = 60.0


class CountedJobs:
    """Up to ``_COUNTED`` live jobs, and as many ended ones.

    A look reads the jobs that run, and those that have been made, started or ended
    since the last one. So its cost does not depend on how many have ended.

    Args:
        listings: the lists of jobs.
    """

    def __init__(self, listings: Listings) -> None:
        self._listings = listings
        self._lock = threading.Lock()
        self._fresh_until = 0.0
        self._begin_again()

    def _begin_again(self) -> None:
        self._live: dict[str, Entry] = {}
        #: Live ones that are younger than those, and ended ones; the oldest first.
        self._young: dict[str, Entry] = {}
        self._ended: dict[str, Entry] = {}
        self._counts: Counter[tuple[str, Status]] = Counter()
        self._known_until = time.monotonic() + _AGAIN

    def live(self) -> list[Entry]:
        """Return what the live jobs are, or were a moment ago."""
        with self._lock:
            self._look()
            return [*self._live.values()]

    def by_task(self) -> dict[tuple[str, Status], int]:
        """Return how many jobs there are, by task and status."""
        with self._lock:
            self._look()
            live = Counter((it.task, it.status) for it in self._live.values())
            return dict(live + self._counts)

    def _look(self) -> None:
        if time.monotonic() < self._fresh_until:
            return
        if time.monotonic() >= self._known_until:
            self._begin_again()
        live = {it.id: it for it in self._listings.live(_COUNTED, self._live)}
        known = ChainMap(live, self._live, self._young, self._ended)
        newest = self._listings.newest(_COUNTED + len(live), known)
        # Those that are none of the live ones any more. If all are counted, a young one
        # was made while the last look went on.
        left = ChainMap(self._live, self._young if len(live) < _COUNTED else {})
        ended = self._listings.read([job_id for job_id in left if job_id not in live])
        self._live = live
        self._sort([*newest[::-1], *ended])
        self._fresh_until = time.monotonic() + _FRESH

    def _sort(self, entries: Iterable[Entry]) -> None:
        for job_id in self._live:
            self._young.pop(job_id, None)
        for entry in entries:
            if not entry.status.is_terminal:
                self._young[entry.id] = entry
            else:
                self._young.pop(entry.id, None)
                self._ended[entry.id] = entry
                self._counts[entry.task, entry.status] += 1
        while len(self._ended) > _COUNTED:
            oldest = self._ended.pop(next(iter(self._ended)))
            self._counts[oldest.task, oldest.status] -= 1
