"""The worker slots of a store: which process runs which job, and which watches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..identity import Process
from .database import Database


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A job that runs, or whose worker has not exited yet.

    Attributes:
        dispatcher: watches the worker.
        worker: runs the job; None until it has registered.
        deadline: until when it may, by the monotonic clock; None for no limit.
    """

    dispatcher: Process
    worker: Process | None
    deadline: float | None


class Slots:
    """The slots in use. There are as many as jobs may run at once.

    Args:
        database: every change is a transaction of its own, or part of the caller's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> dict[str, Slot]:
        """Return the slots in use, by job id."""
        rows = self._database.query(
            "SELECT id, dispatcher, worker, deadline FROM job"
            " WHERE dispatcher IS NOT NULL ORDER BY n"
        )
        return {job_id: _slot(*columns) for job_id, *columns in rows}

    def count(self, queue: str | None = None) -> int:
        """Return how many slots are in use.

        Args:
            queue: name of the queue that has them; None for all queues.
        """
        count: int = self._database.value(
            "SELECT count(*) FROM job WHERE dispatcher IS NOT NULL"
            " AND (? IS NULL OR queue = ?)",
            queue,
            queue,
        )
        return count

    def assign(self, job_id: str, dispatcher: Process, deadline: float | None) -> None:
        """Take a slot for a job. Its worker has still to register."""
        self._database.run(
            "UPDATE job SET dispatcher = ?, worker = NULL, deadline = ? WHERE id = ?",
            str(dispatcher),
            deadline,
            job_id,
        )

    def register(self, job_id: str, worker: Process, attempt: int) -> bool:
        """Note which process runs an attempt of a job. Atomic.

        False if it must not run: the job has no slot, or the attempt has ended.
        """
        return bool(
            self._database.run(
                "UPDATE job SET worker = ? WHERE id = ? AND dispatcher IS NOT NULL"
                " AND status = 'running' AND attempt = ?",
                str(worker),
                job_id,
                attempt,
            )
        )

    def adopt(self, job_id: str, dispatcher: Process) -> Process | None:
        """Make ``dispatcher`` the one that watches a job's worker. Atomic.

        Returns:
            The worker. None if it has not registered: the slot is free then, and the
            worker will run nothing if it comes to register.
        """
        with self._database.transaction():
            worker = self._database.value(
                "SELECT worker FROM job WHERE id = ? AND dispatcher IS NOT NULL", job_id
            )
            if worker is None:
                self.release(job_id)
                return None
            self._database.run(
                "UPDATE job SET dispatcher = ? WHERE id = ?", str(dispatcher), job_id
            )
            return Process.from_text(worker)

    def release(self, job_id: str) -> None:
        """Free the slot of a job whose worker is gone. Idempotent."""
        self._database.run(
            "UPDATE job SET dispatcher = NULL, worker = NULL, deadline = NULL"
            " WHERE id = ? AND dispatcher IS NOT NULL",
            job_id,
        )


def _slot(dispatcher: str, worker: str | None, deadline: Any) -> Slot:
    return Slot(
        dispatcher=Process.from_text(dispatcher),
        worker=Process.from_text(worker) if worker else None,
        deadline=deadline,
    )
