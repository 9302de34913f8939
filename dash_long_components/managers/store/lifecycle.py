"""Changes of jobs, with their effects on requesters, lanes and equal jobs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from ...core import attempts
from ...core.halts import Halts
from ...core.ids import Ticket
from ...core.job_errors import JobError
from ...core.lanes import Admission
from ...core.records import Record
from ...core.requesters import Requester
from ...core.status import Status
from ...exceptions import JobEndedError
from .clock import Instant
from .tables import Tables


class Lifecycle:
    """Changes jobs, with all effects of each change.

    Args:
        tables: of a store. ``change`` and ``leave`` are transactions of their own, or
            part of the caller's; call the rest in a transaction.
    """

    def __init__(self, tables: Tables) -> None:
        self._database = tables.database
        self._jobs = tables.jobs
        self._keys = tables.keys
        self._queue = tables.queue
        self._halted = tables.halted
        self._handovers = tables.handovers
        self._requesters = tables.requesters
        self._durations = tables.durations
        self._libraries = tables.libraries

    def change(
        self,
        job_id: str,
        change: Callable[[Record], Record],
        result: bytes | None,
    ) -> Record:
        """Replace a job's record by what ``change`` makes of it. Atomic."""
        size = len(result or b"")
        with self._database.large_write(size), self._database.transaction():
            before = self._jobs.read(job_id)
            after = change(before)
            if after.status is Status.SUCCEEDED:
                if result is not None:
                    self._jobs.add_result(job_id, result)
                # People take as long as they like.
                if after.started is not None and after.asked is None:
                    self._durations.add(after.task, after.changed - after.started)
            self._libraries.add(after.libraries)
            self.replace(before, after, Instant.now())
            return after

    def end(self, job_id: str, status: Status, error: JobError | None) -> bool:
        """End a job, unless it has ended. False if it has. Atomic."""
        try:
            self.change(
                job_id, lambda record: record.end(status, time.time(), error), None
            )
        except (KeyError, JobEndedError):
            return False
        return True

    def end_attempt(
        self, job_id: str, run: int, status: Status, error: JobError | None
    ) -> Record | None:
        """End the attempt of a run, and return the record after it. Atomic."""

        def change(record: Record) -> Record:
            if record.status is not Status.RUNNING:
                raise JobEndedError(f"No attempt of job {job_id} is running.")
            record = record.of_run(run)
            now = time.time()
            pause = attempts.pause(record, status, now, random.random())  # noqa: S311
            return record.end_attempt(status, now, pause, error)

        try:
            return self.change(job_id, change, None)
        except (KeyError, JobEndedError):
            return None

    def leave(self, ticket: Ticket) -> None:
        """Take a requester out of a job; the last one cancels it. Idempotent."""
        with self._database.transaction(), suppress(KeyError, JobEndedError):
            after = self.change(
                ticket.job,
                lambda record: record.leave(ticket.requester, time.time()),
                None,
            )
            requester = after.requester(ticket.requester)
            if requester.left is not None:
                self.let_go(after, requester)
            else:
                self._requesters.expect_no_poll(ticket)

    def leave_all(self, admission: Admission) -> None:
        """Take those requesters out of their jobs that a new one replaces."""
        for ticket in admission.replaced:
            self.leave(Ticket.parse(ticket))

    def change_halts(self, change: Callable[[Halts], Halts]) -> Halts:
        """Change the halts, and return them. Atomic."""
        with self._database.transaction():
            before = self._halted.read()
            after = change(before)
            self._halted.write(after)
            if after.is_draining(time.time()):
                self._handovers.add_begun()
            for task in after.paused - before.paused:
                self._halted.catch_all(task)
            for task in before.paused - after.paused:
                for job_id in self._halted.release(task):
                    self._queue.add(self._jobs.read(job_id).code, job_id)
            return after

    def replace(self, before: Record, after: Record, now: Instant) -> None:
        """Write a record in the place of another."""
        self._jobs.replace(before, after, now)
        if after.status.is_terminal:
            self._jobs.delete_call(after.id)
            if after.status is Status.SUCCEEDED:
                self._jobs.kept.delete(after.id)
            if after.retries is not None:
                self._jobs.delete_checkpoint(after.id)
                self._handovers.remove(after.id)
            for job_id in self._keys.give_back(after):
                self.enqueue(self._jobs.read(job_id))
            for requester in after.staying:
                self.let_go(after, requester)
        elif after.run > before.run:
            # It keeps its key and its lanes: to others, it goes on.
            if self._halted.read().is_draining(now.wall):
                self._handovers.add(after)
            if not self._handovers.has(after.id):
                self._add(after)

    def let_go(self, record: Record, requester: Requester) -> None:
        """Forget a requester that has cancelled, or whose job has ended."""
        ticket = Ticket(job=record.id, requester=requester.id)
        following = self._requesters.remove(ticket, requester.lane)
        if following is not None:
            self.enqueue(self._jobs.read(following.job))

    def enqueue(self, record: Record) -> None:
        """Give a job its place in the queue, unless it waits for an equal one."""
        # Its key not sooner: a job that waits in a lane keeps no others waiting.
        if record.is_joinable and self._keys.take(record):
            self._add(record)

    def take_over(self, job_id: str, code: str) -> None:
        """Queue a job that was handed over, for a version of the app's code."""
        before = self._jobs.read(job_id)
        self._handovers.remove(job_id)
        if before.code == code:
            self._add(before)
            return
        # To equal calls of the old code, it has ended.
        for waiting in self._keys.give_back(before):
            self.enqueue(self._jobs.read(waiting))
        after = replace(before, code=code)
        self._jobs.move(after)
        self.enqueue(after)

    def _add(self, record: Record) -> None:
        if not self._halted.catch(record):
            self._queue.add(record.code, record.id)
