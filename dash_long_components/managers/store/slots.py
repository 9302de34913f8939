"""The workers of a store: who runs which job, and who watches over that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..processes import Process
from .tables import Table, transaction

if TYPE_CHECKING:
    import diskcache


class WorkerSlots:
    """The places of the jobs that run; there are as many as may run at once.

    Args:
        cache: where it is kept. Every change is a transaction of its own, or part of
            the caller's.
    """

    def __init__(self, cache: diskcache.Cache) -> None:
        self._cache = cache
        self._table = Table(cache, "workers")

    def workers(self) -> dict[str, dict[str, Any]]:
        """Return who runs which job, and who watches over that, by job id.

        Each is ``{"dispatcher": process, "worker": process or None, "deadline": seconds
        by the monotonic clock or None}``.
        """
        return self._table.read()

    def assign(self, job_id: str, dispatcher: Process) -> None:
        """Take a place for a job, whose worker has still to register."""
        with transaction(self._cache):
            workers = self.workers()
            workers[job_id] = {
                "dispatcher": dispatcher.to_list(),
                "worker": None,
                "deadline": None,
            }
            self._table.write(workers)

    def register(
        self, job_id: str, worker: Process, deadline: float | None = None
    ) -> bool:
        """Note which process runs a job, and until when by the monotonic clock it may.

        False if it must not run: it has no place. Atomic.
        """
        with transaction(self._cache):
            workers = self.workers()
            if job_id not in workers:
                return False
            workers[job_id] |= {"worker": worker.to_list(), "deadline": deadline}
            self._table.write(workers)
            return True

    def adopt(self, job_id: str, dispatcher: Process) -> Process | None:
        """Make ``dispatcher`` the one that watches over a job's worker. Atomic.

        Returns:
            The worker. None if it has not registered: its place is gone then, and
            should it still come to register, it will run nothing.
        """
        with transaction(self._cache):
            workers = self.workers()
            entry = workers.pop(job_id, None)
            worker = entry["worker"] if entry else None
            if entry and worker:
                workers[job_id] = {**entry, "dispatcher": dispatcher.to_list()}
            self._table.write(workers)
            return Process.from_list(worker) if worker else None

    def release(self, job_id: str) -> None:
        """Free the place of a job whose worker is gone. Idempotent."""
        with transaction(self._cache):
            workers = self.workers()
            if workers.pop(job_id, None) is not None:
                self._table.write(workers)
