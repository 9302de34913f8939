"""The worker slots of a store: which process runs which job, and which watches it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..identity import Process
from .database import Database

#: The number of the run is in the column ``attempt``.
_COLUMNS = "dispatcher, worker, deadline, attempt, status = 'running'"

#: The slot of a job, if no other dispatcher and no worker has come to it.
_SAME = "id = ? AND dispatcher = ? AND worker IS ?"

_FREE = "UPDATE job SET dispatcher = NULL, worker = NULL, deadline = NULL"


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A job that runs, or whose worker has not exited yet.

    Attributes:
        dispatcher: watches the worker.
        worker: runs the job; None until it has registered.
        deadline: until when it may, by the monotonic clock; None for no limit.
        run: number of the run of the job; of the next one after its end.
        is_running: the run has not ended.
    """

    dispatcher: Process
    worker: Process | None
    deadline: float | None
    run: int
    is_running: bool


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
            f"SELECT id, {_COLUMNS} FROM job"  # noqa: S608
            " WHERE dispatcher IS NOT NULL ORDER BY n"
        )
        return {job_id: _slot(*columns) for job_id, *columns in rows}

    def get(self, job_id: str) -> Slot | None:
        """Return the slot of a job; None if it has none."""
        row = self._database.one(
            f"SELECT {_COLUMNS} FROM job"  # noqa: S608
            " WHERE id = ? AND dispatcher IS NOT NULL",
            job_id,
        )
        return None if row is None else _slot(*row)

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

    def register(self, job_id: str, worker: Process, run: int) -> bool:
        """Note which process does a run of a job. Atomic.

        False if it must not: the job has no slot, or the run has ended.
        """
        return bool(
            self._database.run(
                "UPDATE job SET worker = ? WHERE id = ? AND dispatcher IS NOT NULL"
                " AND status = 'running' AND attempt = ?",
                str(worker),
                job_id,
                run,
            )
        )

    def adopt(self, job_id: str, slot: Slot, dispatcher: Process) -> bool:
        """Make ``dispatcher`` the one that watches a job's worker. Atomic.

        False if the slot is no longer as it was read.
        """
        return bool(
            self._database.run(
                f"UPDATE job SET dispatcher = ? WHERE {_SAME}",  # noqa: S608
                str(dispatcher),
                *_same(job_id, slot),
            )
        )

    def is_same(self, job_id: str, slot: Slot) -> bool:
        """Return whether a slot still has the dispatcher and the worker as read."""
        found = self._database.value(
            f"SELECT 1 FROM job WHERE {_SAME}",  # noqa: S608
            *_same(job_id, slot),
        )
        return found is not None

    def free(self, job_id: str, slot: Slot) -> None:
        """Free a slot whose run has ended. Atomic.

        Does nothing if another dispatcher, or a worker, has come to it since it was
        read: that worker exits, and is seen then.
        """
        self._database.run(
            f"{_FREE} WHERE {_SAME}",
            *_same(job_id, slot),
        )

    def release(self, job_id: str) -> None:
        """Free the slot of a job whose worker is gone. Idempotent."""
        self._database.run(
            f"{_FREE} WHERE id = ? AND dispatcher IS NOT NULL",
            job_id,
        )


def _same(job_id: str, slot: Slot) -> tuple[str, str, str | None]:
    worker = None if slot.worker is None else str(slot.worker)
    return job_id, str(slot.dispatcher), worker


def _slot(
    dispatcher: str, worker: str | None, deadline: Any, run: int, is_running: int
) -> Slot:
    return Slot(
        dispatcher=Process.from_text(dispatcher),
        worker=Process.from_text(worker) if worker else None,
        deadline=deadline,
        run=run,
        is_running=bool(is_running),
    )
