"""What dispatchers do with the jobs that wait."""

from __future__ import annotations

import time

from ...core import attempts
from ...core.jobs import JobError, Status
from ...core.queueing import DEFAULT, Sizes, is_full, next_job
from ...core.records import Record
from ..identity import Process
from .clock import Instant
from .database import Database
from .held import Held
from .jobs import Jobs
from .lifecycle import Lifecycle
from .queue import Queue
from .registry import Registry
from .slots import Slots


class Dispatching:
    """Starts and ends the jobs that wait for a version of the app's code.

    Args:
        database: of all the others.
    """

    def __init__(
        self,
        database: Database,
        jobs: Jobs,
        lifecycle: Lifecycle,
        queue: Queue,
        held: Held,
        slots: Slots,
        registry: Registry,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._lifecycle = lifecycle
        self._queue = queue
        self._held = held
        self._slots = slots
        self._registry = registry

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

    def _next(self, code: str, sizes: Sizes) -> str | None:
        if self._queue.is_plain(code):
            is_free = self._slots.count(DEFAULT) < sizes.default
            return self._queue.ready(code) if is_free else None
        job = next_job(self._queue.waiting(code), self._queue.running(), sizes)
        return None if job is None else job.id

    def has_work(self, code: str) -> bool:
        """Return whether jobs wait for a code version, or run for any."""
        return not self._queue.is_empty(code) or self._slots.count() > 0

    def expire_queue(self, code: str, now: Instant) -> None:
        """End the jobs that have waited for their ``queue_timeout``."""
        while self._queue.expired(code, now):
            with self._database.transaction():
                for job_id in self._queue.expired(code, now):
                    error = JobError.expired(self._jobs.read(job_id).task)
                    self._lifecycle.end(job_id, Status.TIMED_OUT, error)

    def drop_queue(self, code: str, reason: str) -> None:
        """End as ``lost`` what waits for a code version; forget it if no job runs."""
        with self._database.transaction():
            while job_id := self._queue.first(code) or self._held.first(code):
                task = self._jobs.read(job_id).task
                error = JobError(type="NotStarted", message=reason, task=task)
                self._lifecycle.end(job_id, Status.LOST, error)
            running = self._jobs.read_all(list(self._slots.all())).values()
            # A job that waits in a lane for one of these is queued at its end.
            if all(record.code != code for record in running):
                self._registry.forget(code)

    def resign(self, code: str) -> bool:
        """Stop being the dispatcher of a code version. Atomic.

        False while jobs wait for it, or a server here wants it. Jobs that are held do
        not need it. But its rows stay for them, so that another version's dispatcher
        finds them if this version never comes back.
        """
        with self._database.transaction():
            if not self._queue.is_empty(code):
                return False
            if self._held.first(code) is not None:
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
