"""Calls that are kept after the end of their jobs, so that these can be retried."""

from __future__ import annotations

from ...core.calls import Call
from .database import Database


class KeptCalls:
    """The calls of jobs that have not succeeded, for as long as these have records.

    Args:
        database: call what writes in a transaction of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job_id: str, call: Call) -> None:
        """Keep the call of a new job."""
        self._database.run(
            "INSERT INTO kept (job, call) VALUES (?, ?)", job_id, call.to_json()
        )

    def read(self, job_id: str) -> Call | None:
        """Return the call of a job; None if it is not kept."""
        data = self._database.value("SELECT call FROM kept WHERE job = ?", job_id)
        return None if data is None else Call.from_json(data)

    def drop(self, job_id: str) -> bool:
        """Delete the call of a job, and return whether it was kept."""
        is_kept = self.read(job_id) is not None
        self.delete(job_id)
        return is_kept

    def delete(self, job_id: str) -> None:
        """Delete the call of a job. Idempotent."""
        self._database.run("DELETE FROM kept WHERE job = ?", job_id)
