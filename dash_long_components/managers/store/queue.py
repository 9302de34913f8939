"""The queue of a store: jobs that wait for a worker slot, first come first served."""

from __future__ import annotations

from ...core.queueing import has_expired
from .clock import Instant
from .database import Database

#: Jobs that expire in one transaction: others wait for its end.
_BATCH = 100


class Queue:
    """The jobs that wait, apart for each version of the app's code.

    Jobs that wait for their turn in a lane, or for the end of an equal one, are queued
    but have no place yet.

    Args:
        database: call what writes in a transaction of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, code: str, job_id: str) -> None:
        """Give a job the last place."""
        self._database.run(
            "UPDATE job SET turn = 1 + (SELECT coalesce(max(turn), 0) FROM job"
            " WHERE code = ? AND turn IS NOT NULL) WHERE id = ?",
            code,
            job_id,
        )

    def first(self, code: str) -> str | None:
        """Return the id of the job in the first place; None if there is none."""
        job_id: str | None = self._database.value(
            "SELECT id FROM job WHERE code = ? AND turn IS NOT NULL"
            " ORDER BY turn LIMIT 1",
            code,
        )
        return job_id

    def is_empty(self, code: str) -> bool:
        """Return whether no job has a place."""
        return self.first(code) is None

    def waiting(self, code: str) -> list[tuple[str, str]]:
        """Return id and task of the jobs that have a place, in their order."""
        return self._database.query(
            "SELECT id, task FROM job WHERE code = ? AND turn IS NOT NULL"
            " ORDER BY turn",
            code,
        )

    def count(self) -> int:
        """Return how many jobs are queued, over all code versions."""
        count: int = self._database.value(
            "SELECT count(*) FROM job WHERE status = 'queued'"
        )
        return count

    def oldest_wait(self, now: Instant) -> float | None:
        """Return the seconds for which the oldest queued job has waited.

        None if no job is queued.
        """
        submitted = self._database.one(
            "SELECT submitted, submitted_wall FROM job WHERE status = 'queued'"
            " ORDER BY n LIMIT 1"
        )
        return None if submitted is None else now.since(Instant(*submitted))

    def expired(self, code: str, now: Instant) -> list[str]:
        """Return some jobs that have been queued for their ``queue_timeout``."""
        rows = self._database.query(
            "SELECT id, queue_timeout, submitted, submitted_wall FROM job"
            " WHERE code = ? AND status = 'queued' AND queue_timeout IS NOT NULL"
            " ORDER BY n LIMIT ?",
            code,
            _BATCH,
        )
        return [
            job_id
            for job_id, queue_timeout, *submitted in rows
            if has_expired(now.since(Instant(*submitted)), queue_timeout)
        ]
