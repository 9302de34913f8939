"""The jobs that stop at a checkpoint, and go on with another dispatcher."""

from __future__ import annotations

from typing import NamedTuple

from ...core.records import Record
from ..identity import Process
from .database import Database

#: A queued job that has run before, with a place or halted by operators.
_BEGUN = (
    "status = 'queued' AND attempt > 1"
    " AND (place IS NOT NULL OR id IN (SELECT job FROM halted))"
)


class HandedOver(NamedTuple):
    """A job that waits for a dispatcher that takes it over.

    Attributes:
        id: of the job.
        code: version of the app's code that has run it.
    """

    id: str
    code: str


class Handovers:
    """Jobs that are asked to stop at their next checkpoint, or have stopped there.

    Those that have stopped are queued, and have no place in any queue.

    Args:
        database: call what writes in a transaction of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, dispatcher: Process) -> None:
        """Ask all jobs of a dispatcher that have saved a checkpoint to stop."""
        self._database.run(
            "INSERT OR IGNORE INTO handover (job)"
            " SELECT id FROM job JOIN checkpoint ON checkpoint.job = id"
            " WHERE dispatcher = ? AND status = 'running' ORDER BY n",
            str(dispatcher),
        )

    def asked(self, dispatcher: Process) -> set[str]:
        """Return the jobs of a dispatcher that are asked and have not stopped yet."""
        rows = self._database.query(
            "SELECT id FROM job JOIN handover ON job = id WHERE dispatcher = ?",
            str(dispatcher),
        )
        return {job_id for (job_id,) in rows}

    def has(self, job_id: str) -> bool:
        """Return whether a job is asked to stop, or has stopped."""
        found = self._database.value("SELECT 1 FROM handover WHERE job = ?", job_id)
        return found is not None

    def add(self, record: Record) -> None:
        """Add a job that has stopped. Idempotent."""
        self._database.run("INSERT OR IGNORE INTO handover (job) VALUES (?)", record.id)

    def add_begun(self, code: str | None = None) -> None:
        """Take the jobs that have run before out of the queue, and add them.

        Args:
            code: version of the app's code of their queue; None for all.
        """
        if self._database.value(f"SELECT 1 FROM job WHERE {_BEGUN} LIMIT 1") is None:  # noqa: S608
            return
        condition = f"{_BEGUN} AND (? IS NULL OR code = ?)"
        self._database.run(
            "INSERT OR IGNORE INTO handover (job)"  # noqa: S608
            f" SELECT id FROM job WHERE {condition} ORDER BY place, n",
            code,
            code,
        )
        self._database.run(
            "UPDATE job SET place = NULL WHERE place IS NOT NULL"
            " AND id IN (SELECT job FROM handover)"
        )
        self._database.run("DELETE FROM halted WHERE job IN (SELECT job FROM handover)")

    def waiting(self) -> list[HandedOver]:
        """Return the jobs that have stopped, and whose worker is gone."""
        rows = self._database.query(
            "SELECT id, code FROM handover JOIN job ON id = job"
            " WHERE status = 'queued' AND dispatcher IS NULL ORDER BY handover.n"
        )
        return [HandedOver(*row) for row in rows]

    def first(self, code: str) -> str | None:
        """Return a job that a code version has run; None if there is none."""
        return next((job.id for job in self.waiting() if job.code == code), None)

    def remove(self, job_id: str) -> None:
        """Remove a job that has been taken over, or has ended. Idempotent."""
        self._database.run("DELETE FROM handover WHERE job = ?", job_id)
