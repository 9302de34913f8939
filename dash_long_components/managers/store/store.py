"""The job store of one machine: jobs, the queue, requesters and worker slots."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from ...core.calls import Call
from ...core.halts import Halts
from ...core.health import Health
from ...core.ids import Ticket
from ...core.job_errors import JobError
from ...core.records import Record
from ...core.status import Status
from ...exceptions import JobEndedError
from . import old_store
from .clock import Instant
from .database import Database
from .dispatching import Dispatching
from .lifecycle import Lifecycle
from .searches import Searches
from .submitting import Submitting
from .tables import Tables


class Store:
    """Jobs in a directory, shared by all processes of a machine.

    Every change is a transaction: no reader sees half of one, and no process overwrites
    another's. Records are deleted when their time is over, never before.

    Attributes:
        directory: where the jobs are; None in memory.
        registry: the processes that dispatch jobs, and those that want them to.
        queue: the jobs that wait.
        halted: those that operators keep from starting.
        handovers: those that go on with another dispatcher.
        slots: the jobs that run.
        requesters: the pages that wait.
        durations: how long tasks take.
        dispatching: starts and ends jobs.
        submit: queues a job, or joins a live one (``Submitting``).
        pass_by: applies the rule of a lane to a cache hit (``Submitting``).

    Args:
        directory: made if it is missing. None keeps all in the memory of this process.
        result_ttl: seconds to keep the record of an ended job.

    Raises:
        StoreUnavailableError: it is locked or damaged, or its disk is full.
        StoreError: the directory can't be used.
    """

    def __init__(self, directory: str | None, result_ttl: float) -> None:
        self.directory = None if directory is None else os.path.abspath(directory)
        self.result_ttl = result_ttl
        self._open()

    def _open(self, *, is_in_use: bool = False) -> None:
        self._database = Database(self.directory, is_in_use=is_in_use)
        tables = Tables(self._database)
        self._jobs, self._libraries = tables.jobs, tables.libraries
        self._secret = tables.secret
        self.registry, self.durations = tables.registry, tables.durations
        self.queue, self.slots = tables.queue, tables.slots
        self.halted, self.handovers = tables.halted, tables.handovers
        self.requesters = tables.requesters
        self._lifecycle = Lifecycle(tables)
        self.dispatching = Dispatching(tables, self._lifecycle)
        submitting = Submitting(tables, self._lifecycle, self.dispatching)
        self.submit, self.pass_by = submitting.submit, submitting.pass_by
        if self.directory is not None:
            old_store.take_over(self.directory, self._database, self._jobs)

    def __getstate__(self) -> tuple[str | None, float]:
        return self.directory, self.result_ttl

    def __setstate__(self, state: tuple[str | None, float]) -> None:
        self.directory, self.result_ttl = state
        self._open(is_in_use=True)

    @property
    def path(self) -> str:
        """Path of the database file."""
        return self._database.path

    def close(self) -> None:
        """Close the connection of this thread. It opens again when needed."""
        self._database.close()

    def secret(self) -> bytes:
        """Return the random secret of this store."""
        return self._secret.read()

    def libraries(self) -> frozenset[str]:
        """Return the component libraries that jobs have imported."""
        return self._libraries.read()

    def leave(self, ticket: Ticket) -> None:
        """Take a requester out of a job; the last one cancels it. Idempotent."""
        self._lifecycle.leave(ticket)

    def see(self, record: Record, requester_id: str) -> None:
        """Note that a requester's page has polled, if its job ends with the page."""
        leave_timeout = record.limits.leave_timeout
        if leave_timeout is not None:
            ticket = Ticket(job=record.id, requester=requester_id)
            self.requesters.see(ticket, leave_timeout, time.monotonic())

    def read(self, job_id: str) -> Record:
        """Return the record of a job.

        Raises:
            KeyError: there is none.
        """
        return self._jobs.read(job_id)

    def read_all(self, job_ids: Sequence[str]) -> dict[str, Record]:
        """Return the records of those jobs that there are, by id."""
        return self._jobs.read_all(job_ids)

    @property
    def searches(self) -> Searches:
        """What finds and counts jobs."""
        return self._jobs.searches

    def halts(self) -> Halts:
        """Return the halts of operators."""
        return self.halted.read()

    def change_halts(self, change: Callable[[Halts], Halts]) -> Halts:
        """Change the halts, and return them. Atomic.

        The jobs of a task that is paused leave the queue, and come back to its end.
        """
        return self._lifecycle.change_halts(change)

    def version(self) -> int:
        """Return a number that changes when another thread or process has written.

        A number of one thread means nothing to another thread.
        """
        return self._database.version()

    def is_unwanted(self, job_id: str) -> bool:
        """Return whether no requester waits for a job: cancelled, ended or deleted."""
        try:
            record = self.read(job_id)
        except KeyError:
            return True
        return record.cancel_requested or record.status.is_terminal

    def health(self, problem: str | None = None) -> Health:
        """Return how many jobs wait and run, with a problem of the manager's."""
        return Health(
            problem=problem,
            queued=self.queue.count(),
            running=self.slots.count(),
            oldest_wait=self.queue.oldest_wait(Instant.now()),
        )

    def queued(self) -> list[str]:
        """Return the ids of all queued jobs."""
        return self._jobs.queued()

    def result(self, job_id: str) -> bytes | None:
        """Return the result of a job as JSON text; None if it has none."""
        return self._jobs.result(job_id)

    def call(self, job_id: str) -> Call | None:
        """Return what a worker needs to run a job; None once it has ended."""
        return self._jobs.call(job_id)

    def kept_call(self, job_id: str) -> Call | None:
        """Return what a job has run that has not succeeded; None if it is not kept."""
        return self._jobs.kept.read(job_id)

    def drop_kept_call(self, job_id: str) -> bool:
        """Keep the call of a job no more, and return whether it was kept. Atomic."""
        with self._database.transaction():
            return self._jobs.kept.drop(job_id)

    def checkpoint(self, job_id: str) -> str | None:
        """Return the checkpoint of a job; None if it has none."""
        return self._jobs.checkpoint(job_id)

    def save_checkpoint(self, job_id: str, run: int, state: str) -> bool:
        """Replace the checkpoint of a job in one of its runs. Atomic.

        Returns:
            Whether the job has to stop there, and goes on with another dispatcher.

        Raises:
            JobEndedError: the run has ended.
        """
        if not self._jobs.save_checkpoint(job_id, run, state):
            raise JobEndedError(f"Run {run} of job {job_id} has ended.")
        return self.dispatching.must_stop(job_id)

    def give_function(self, job_id: str, function: str) -> None:
        """Add the pickled function that a job's worker asked for. Idempotent.

        Does nothing if the job has ended.
        """
        with self._database.transaction(), suppress(KeyError, JobEndedError):
            call = self.call(job_id)
            if call is not None:
                self._jobs.delete_call(job_id)
                self._jobs.add_call(job_id, replace(call, function=function))
                self.change(job_id, lambda record: replace(record, unknown=None))

    def change(
        self,
        job_id: str,
        change: Callable[[Record], Record],
        result: bytes | None = None,
    ) -> Record:
        """Replace a job's record by what ``change`` makes of it. Atomic.

        Args:
            job_id: which job.
            change: called in the transaction; may raise to change nothing.
            result: JSON text to keep if the job is ``succeeded`` then.

        Raises:
            KeyError: no such job.
            JobEndedError: it has ended.
        """
        return self._lifecycle.change(job_id, change, result)

    def end(self, job_id: str, status: Status, error: JobError | None = None) -> bool:
        """End a job, unless it has ended.

        Returns:
            Whether it had not.
        """
        return self._lifecycle.end(job_id, status, error)

    # For dispatchers: see also ``dispatching``

    def sweep(self) -> None:
        """Delete the jobs that ended ``result_ttl`` seconds ago or earlier."""
        now = Instant.now()
        while expired := self._jobs.expired(now, self.result_ttl):
            with self._database.transaction():
                self._jobs.delete(expired)
        if self.directory is not None:
            old_store.remove_unused(self.directory)

    def last_end(self) -> float | None:
        """Return when the last job ended, by the monotonic clock; None if none has."""
        return self._jobs.last_end()

    def purge(self) -> bool:
        """Overwrite the request data of ended jobs. Return False if it has to wait."""
        return self._database.purge()
