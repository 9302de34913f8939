"""Flights in a store: which live job is the one that those who ask the same join."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..records import Record

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

    def begin(self, record: Record) -> None:
        """Let others join a job."""
        if record.key is not None:
            self._cache.set(_flight(record), record.id)

    def end(self, record: Record) -> None:
        """Undo ``begin``, unless another job has come to stand there. Idempotent."""
        if self.find(record) == record.id:
            self._cache.delete(_flight(record))


def _flight(record: Record) -> str:
    return f"flight:{record.code}:{record.key}"
