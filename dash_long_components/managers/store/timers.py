"""Expiries: what is to happen to jobs after a time, whatever the clocks do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .clock import Instant

if TYPE_CHECKING:
    import diskcache


class Expiries:
    """Times of the same length that run for jobs, in the order in which they began.

    Args:
        cache: where they are kept, a row for each.
        name: tells these from others.
    """

    def __init__(self, cache: diskcache.Cache, name: str) -> None:
        self._cache = cache
        self._name = name

    def start(self, job_id: str, seconds: float, now: Instant) -> None:
        """Begin one. Call it in a transaction."""
        entry = json.dumps([job_id, seconds, now.to_list()])
        self._cache.push(entry, prefix=self._name)

    def is_over(self, now: Instant) -> bool:
        """Tell whether the first one is over."""
        return self._first(now)[1] is not None

    def take(self, now: Instant, at_most: int) -> list[str]:
        """Remove those that are over, and return their jobs. Call it in a transaction.

        Args:
            now: the present.
            at_most: how many.
        """
        taken: list[str] = []
        while len(taken) < at_most:
            key, job_id = self._first(now)
            if job_id is None:
                break
            self._cache.delete(key)
            taken.append(job_id)
        return taken

    def clear(self) -> None:
        """Remove them all."""
        while self._cache.pull(prefix=self._name) != (None, None):
            pass

    def _first(self, now: Instant) -> tuple[str | None, str | None]:
        key, entry = self._cache.peek(prefix=self._name)
        if key is None:
            return None, None
        job_id, seconds, began = json.loads(entry)
        is_over = now.since(Instant.from_list(began)) >= seconds
        return key, job_id if is_over else None
