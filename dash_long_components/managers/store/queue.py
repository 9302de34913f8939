"""The queues of a store: the jobs that wait for a place, first come first served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.records import Record

if TYPE_CHECKING:
    import diskcache


class Queues:
    """One queue for each version of the app's code.

    Call its methods in a transaction, but for ``waiting``.

    Args:
        cache: in which there is a row for each job that waits.
    """

    def __init__(self, cache: diskcache.Cache) -> None:
        self._cache = cache

    def add(self, record: Record) -> None:
        """Put a job at the end."""
        self._cache.push(_entry(record), prefix=_name(record.code))

    def pop(self, code: str) -> str | None:
        """Take off the job at the head and return its id, or None if there is none."""
        key, entry = self._cache.peek(prefix=_name(code), default=(None, None))
        if key is None:
            return None
        self._cache.delete(key)
        return str(entry).partition(" ")[0]

    def is_empty(self, code: str) -> bool:
        """Tell whether no job waits."""
        return bool(self._cache.peek(prefix=_name(code)) == (None, None))

    def remove(self, record: Record) -> None:
        """Take off a job, wherever it stands. Idempotent."""
        name = _name(record.code)
        self._cache._sql(
            "DELETE FROM Cache WHERE key > ? AND key < ? AND raw = 1 AND value = ?",
            (*_range(name), _entry(record)),
        )

    def waiting(self, code: str) -> list[tuple[str, str]]:
        """Return id and task of the jobs that wait, in their order."""
        # By SQL of our own, one statement: diskcache would read them one by one.
        rows = self._cache._sql(
            "SELECT value FROM Cache WHERE key > ? AND key < ? AND raw = 1"
            " ORDER BY key",
            _range(_name(code)),
        )
        entries = (str(entry).partition(" ") for (entry,) in rows)
        return [(job_id, task) for job_id, _, task in entries]


def _entry(record: Record) -> str:
    return f"{record.id} {record.task}"


def _name(code: str) -> str:
    return f"queue:{code}"


def _range(name: str) -> tuple[str, str]:
    """Return what all keys of a queue lie between: they are numbered behind a dash."""
    return f"{name}-", f"{name}."
