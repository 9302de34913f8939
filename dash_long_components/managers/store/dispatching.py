"""What dispatchers do with jobs that wait, that run, and that are handed over."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...core import attempts
from ...core.job_errors import JobError
from ...core.queueing import DEFAULT, Sizes, is_full
from ...core.records import Record
from ...core.status import Status
from ..identity import Process
from .clock import Instant
from .handovers import HandedOver
from .lifecycle import Lifecycle
from .slots import Slot
from .tables import Tables


class Dispatching:
    """Starts and ends the jobs of a version of the app's code.

    Args:
        tables: of a store.
        lifecycle: of the same store.
    """

    def __init__(self, tables: Tables, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        self._database = tables.database
        self._jobs = tables.jobs
        self._queue = tables.queue
        self._halted = tables.halted
        self._handovers = tables.handovers
        self._slots = tables.slots
        self._registry = tables.registry

    def take(self, code: str, dispatcher: Process, sizes: Sizes) -> Record | None:
        """Start the next job of a code version's queues, if one may start. Atomic.

        The job is ``running`` then, its time counts, and its worker has to register.

        Returns:
            Its record; None if no job waits or none may start.
        """
        if self._queue.ready(code) is None:
            return None
        with self._database.transaction():
            while True:
                job_id = self._next(code, sizes)
                if job_id is None:
                    return None
                late = attempts.late_error(self._jobs.read(job_id), time.time())
                if late is None:
                    break
                self._lifecycle.end(job_id, Status.TIMED_OUT, late)
            record = self._lifecycle.change(
                job_id, lambda record: record.start(time.time()), None
            )
            timeout = attempts.timeout(record)
            deadline = None if timeout is None else time.monotonic() + timeout
            self._slots.assign(job_id, dispatcher, deadline)
            return record

    def must_stop(self, job_id: str) -> bool:
        """Return whether a running job has to stop where another worker can go on."""
        is_asked = self._handovers.has(job_id)
        return is_asked or self._halted.read().is_draining(time.time())

    def _next(self, code: str, sizes: Sizes) -> str | None:
        if self._queue.is_plain(code):
            is_free = self._slots.count(DEFAULT) < sizes.default
            return self._queue.ready(code) if is_free else None
        return self._queue.next(code, sizes)

    def has_work(self, code: str) -> bool:
        """Return whether jobs wait for a code version, or run or are handed over."""
        return (
            not self._queue.is_empty(code)
            or self._slots.count() > 0
            or bool(self.handed_over())
        )

    def expire_queue(self, code: str, now: Instant) -> None:
        """End the jobs that have waited for their ``queue_timeout``."""
        while self._queue.expired(code, now):
            with self._database.transaction():
                for job_id in self._queue.expired(code, now):
                    error = JobError.expired(self._jobs.read(job_id).task)
                    self._lifecycle.end(job_id, Status.TIMED_OUT, error)

    def end_attempt(
        self, job_id: str, slot: Slot, status: Status, error: JobError | None = None
    ) -> Record | None:
        """End a running attempt; the job too, if it has no other attempt. Atomic.

        Args:
            job_id: which job.
            slot: of the attempt. Another dispatcher may have the job by now.
            status: how the attempt has ended.
            error: why.

        Returns:
            The record after it; None if the attempt does not run in that slot.
        """
        with self._database.transaction():
            found = self._slots.get(job_id)
            if found is None or found.dispatcher != slot.dispatcher:
                return None
            return self._lifecycle.end_attempt(job_id, slot.run, status, error)

    def close_slot(
        self, job_id: str, slot: Slot, status: Status, error: JobError | None = None
    ) -> Record | None:
        """End the attempt of a worker that is gone, and free its slot. Atomic.

        Does nothing if another dispatcher, or a worker, has come to the slot since it
        was read. A worker that comes later does not run.

        Returns:
            The record after the end; None if the attempt had ended.
        """
        with self._database.transaction():
            if not self._slots.is_same(job_id, slot):
                return None
            record = self._lifecycle.end_attempt(job_id, slot.run, status, error)
            self._slots.release(job_id)
            return record

    def give_up(self, job_id: str, error: JobError) -> None:
        """End a job as ``lost`` that no dispatcher can start or watch. Atomic.

        Does nothing if its worker or its dispatcher lives: the next dispatcher goes on
        with it.
        """
        with self._database.transaction():
            slot = self._slots.get(job_id)
            processes = [] if slot is None else [slot.dispatcher, slot.worker]
            if not any(each and self._registry.is_living(each) for each in processes):
                self._lifecycle.end(job_id, Status.LOST, error)

    def ask_for_handover(self, dispatcher: Process) -> set[str]:
        """Ask the jobs of a dispatcher that save checkpoints to stop at the next one.

        Returns:
            Those jobs.
        """
        with self._database.transaction():
            self._handovers.ask(dispatcher)
            return self._handovers.asked(dispatcher)

    def handed_over(self) -> list[HandedOver]:
        """Return the jobs that wait for another dispatcher. None during a drain."""
        waiting = self._handovers.waiting()
        if waiting and self._halted.read().is_draining(time.time()):
            return []
        return waiting

    def take_over(self, job_id: str, code: str) -> None:
        """Queue a job that was handed over for a code version. Atomic. Idempotent."""
        with self._database.transaction():
            if any(job.id == job_id for job in self._handovers.waiting()):
                self._lifecycle.take_over(job_id, code)

    def abandon_queue(self, code: str, reason: str) -> None:
        """Do ``drop_queue`` for a code version without processes.

        Jobs that have begun may go on with the code of another dispatcher.
        """
        with self._database.transaction():
            self._handovers.add_begun(code)
            self._drop(lambda: self._first(code), reason)
            self._forget(code)

    def drop_queue(self, code: str, reason: str) -> None:
        """End as ``lost`` what waits for a code version; forget it if no job runs."""
        with self._database.transaction():
            self._drop(lambda: self._first(code), reason)
            self._drop(lambda: self._handovers.first(code), reason)
            self._forget(code)

    def _first(self, code: str) -> str | None:
        return self._queue.first(code) or self._halted.first(code)

    def _drop(self, first: Callable[[], str | None], reason: str) -> None:
        while job_id := first():
            task = self._jobs.read(job_id).task
            error = JobError.dropped(task, reason)
            self._lifecycle.end(job_id, Status.LOST, error)

    def _forget(self, code: str) -> None:
        if self._jobs.has_queued(code):
            return  # a lane or an equal job gives it a place later: it ends then
        running = self._jobs.read_all(list(self._slots.all())).values()
        if all(record.code != code for record in running):
            self._registry.forget(code)

    def resign(self, code: str) -> bool:
        """Stop being the dispatcher of a code version. Atomic.

        False while jobs wait for it, or a server here wants it. Jobs without a place do
        not need it. But its rows stay for them, so that another version's dispatcher
        finds them if this version never comes back.
        """
        with self._database.transaction():
            if not self._queue.is_empty(code):
                return False
            if self._jobs.has_queued(code):
                return not self._registry.has_servers(code)
            return self._registry.resign(code)

    def is_full(self, queue: str, max_concurrency: int, max_queue: int) -> bool:
        """Return whether a queue has no room for one more job.

        Args:
            queue: its name.
            max_concurrency: its slots.
            max_queue: jobs that may wait in it.
        """
        if self._queue.count() < max_queue:
            return False  # nor is any one queue, and this needs no look at the rows
        return is_full(
            waiting=self._queue.count(queue),
            running=self._slots.count(queue),
            max_concurrency=max_concurrency,
            max_queue=max_queue,
        )
