"""Flights in a store: which live job is the one that those who ask the same join."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ...core.records import Record

if TYPE_CHECKING:
    import diskcache


class Flights:
    """The job to join for every key. Call its methods in a transaction.

    Only jobs of the same code version count: another one may give another result.

    Args:
        cache: in which there is a row for each key that has such a job.
    """

    def __init__(self, cache: diskcache.Cache) -> None:
        self._cache = cache

    def find(self, record: Record) -> str | None:
        """Return the id of the job that ``record`` might join instead of being one."""
        job_id: str | None = record.key and self._cache.get(_flight(record))
        return job_id

    def begin(self, record: Record, live: Record | None) -> bool:
        """Let others join a job, or have it wait for the end of one that they join.

        Args:
            record: the job; nobody knows of it that it could be joined.
            live: the one that others join now, or None.

        Returns:
            Whether it is its turn.
        """
        if record.key is None:
            return True
        if live is not None and live.id != record.id:
            waiting = json.loads(self._cache.get(_waiting(record), "[]"))
            self._cache.set(_waiting(record), json.dumps([*waiting, record.id]))
            return False
        self._cache.set(_flight(record), record.id)
        return True

    def end(self, record: Record) -> list[str]:
        """Undo ``begin``, unless another job has come to stand there. Idempotent.

        Returns:
            Ids of the jobs that have waited for this; some may have ended.
        """
        if self.find(record) != record.id:
            return []
        waiting: list[str] = json.loads(self._cache.get(_waiting(record), "[]"))
        self._cache.delete(_flight(record))
        self._cache.delete(_waiting(record))
        return waiting


def _flight(record: Record) -> str:
    return f"flight:{record.code}:{record.key}"


def _waiting(record: Record) -> str:
    return f"{_flight(record)}:waiting"
