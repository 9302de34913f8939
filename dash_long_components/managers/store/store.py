"""The store of one machine: job records, the queue and who works on what."""

from __future__ import annotations

import functools
import json
import os
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from ...core.jobs import Call, JobError, Lane, Status, Ticket
from ...core.lanes import NO_LANE, Admission, Entry
from ...core.queueing import is_full
from ...core.records import SMALL, Record, Requester
from ...exceptions import JobEndedError
from ..processes import Process
from .clock import Instant
from .database import open_cache
from .durations import Durations
from .joinable import Flights
from .lanes import Lanes
from .presence import Presence
from .processes_table import ProcessRegistry
from .queue import Queues
from .slots import WorkerSlots
from .tables import Table, transaction
from .timers import Expiries
from .wal import after_it

_SECRET = "secret"  # noqa: S105
_WAITING = "waiting"

#: Seconds for which a process waits until another one has written. Then it is an error:
#: a request has to be answered, and others tried.
BUSY_TIMEOUT = 5.0

#: Jobs that are cleared away in one transaction, while which nobody else may write.
_BATCH = 100


class Store:
    """Job records and queue in a directory, shared by all processes of a machine.

    It is a ``diskcache.Cache`` of its own: nothing is evicted, and records go when
    their time is over, never before. Every change is a transaction, so that no reader
    sees half of one and no process overwrites another's.

    Attributes:
        registry: the processes that dispatch the jobs, and those that want them run.
        queues: the jobs that wait.
        slots: the workers of the jobs that run.
        durations: how long tasks take.
        presence: which jobs still have a page that asks for them.

    Args:
        directory: made if it is missing.
        result_ttl: seconds for which the record of an ended job is kept.

    Raises:
        StoreUnavailableError: it is locked, or its disk is full.
        StoreError: the directory can't be used.
    """

    def __init__(self, directory: str, result_ttl: float) -> None:
        self.directory = os.path.abspath(directory)
        self.result_ttl = result_ttl
        self._cache = open_cache(self.directory, BUSY_TIMEOUT)
        self._lanes = Lanes(self._cache)
        self.queues = Queues(self._cache)
        self._flights = Flights(self._cache)
        self._kept = Expiries(self._cache, "kept")
        self._libraries = Table(self._cache, "libraries")
        self.slots = WorkerSlots(self._cache)
        self.registry = ProcessRegistry(self._cache)
        self.durations = Durations(self._cache)
        self.presence = Presence(self._cache)

    def libraries(self) -> frozenset[str]:
        """Return the component libraries that jobs have imported."""
        return frozenset(self._libraries.read())

    def close(self) -> None:
        """Close the database connection of this thread. It opens again when needed."""
        self._cache.close()

    def secret(self) -> bytes:
        """Return the random secret of this store; the first to ask makes it."""
        self._cache.add(_SECRET, secrets.token_bytes(32))
        secret: bytes = self._cache[_SECRET]
        return secret

    def submit(
        self,
        record: Record,
        call: Call,
        *,
        max_concurrency: int,
        max_queue: int,
        queue_timeout: float | None = None,
        lane: Lane | None = None,
    ) -> Ticket | None:
        """Add a job to the end of its code version's queue, or join one. Atomic.

        It is ``rejected`` if ``max_queue`` jobs are waiting beyond those for which
        there is a free place, and ``cancelled`` if it comes late to a lane that
        replaces.

        Returns:
            None if it was not added: its lane ignores it.
        """
        with transaction(self._cache):
            admission = self._lanes.admit(lane)
            if admission.entry is Entry.NEVER:
                return None
            joined = self._joinable(record) if admission.may_join else None
            now, record = record.created, joined or record
            requester = Requester(
                id=str(len(record.requesters)), lane=lane.name if lane else None
            )
            record = record.join(requester)
            ticket = Ticket(job=record.id, requester=requester.id)
            if admission.entry is Entry.LATE:
                self._put(record.end(Status.CANCELLED, now))
                return ticket
            if lane is not None:
                waits = admission.entry is Entry.WAIT
                self._lanes.enter(ticket, lane, waits=waits)
            if record.limits.leave_timeout is not None:
                self.presence.expect(
                    str(ticket), record.limits.leave_timeout, time.monotonic()
                )
            if joined is not None:
                self._put(record)
            # Not before it has joined a job that it may replace itself in.
            self._leave_all(admission)
            if joined is not None:
                return ticket
            if self._is_full(max_concurrency, max_queue):
                error = JobError.queue_full(record.task, max_queue)
                self._put(record.end(Status.REJECTED, now, error))
                return ticket
            self._cache.set(_call(record.id), call.to_json())
            self._cache.set(_WAITING, self._cache.get(_WAITING, 0) + 1)
            self._put(record)
            if queue_timeout is not None:
                self._waits(record.code).start(record.id, queue_timeout, Instant.now())
            if admission.entry is Entry.NOW:
                self._enqueue(record)
            return ticket

    def pass_by(self, lane: Lane | None) -> Admission:
        """Treat what needs no job as one that ends as soon as it comes to its lane."""
        # Mostly nobody is live there: then there is nothing to write, and no other
        # writer to wait for.
        admission = self._lanes.admit(lane)
        if admission == NO_LANE:
            return admission
        with transaction(self._cache):
            admission = self._lanes.admit(lane)
            self._leave_all(admission)
            return admission

    def _leave_all(self, admission: Admission) -> None:
        for ticket in admission.replaced:
            self.leave(Ticket.parse(ticket))

    def _joinable(self, record: Record) -> Record | None:
        """Return the job that a new one is to join, or None."""
        with suppress(KeyError):
            found = self.read(self._flights.find(record) or "")
            return found if found.is_joinable else None
        return None

    def _is_full(self, max_concurrency: int, max_queue: int) -> bool:
        """Tell whether a further job finds neither a free place nor one to wait."""
        return is_full(
            waiting=self._cache.get(_WAITING, 0),
            running=len(self.slots.workers()),
            max_concurrency=max_concurrency,
            max_queue=max_queue,
        )

    def read(self, job_id: str) -> Record:
        """Return the record of a job.

        Raises:
            KeyError: there is none.
        """
        return Record.from_json(self._cache[_job(job_id)])

    def is_unwanted(self, job_id: str) -> bool:
        """Tell whether nobody waits for a job any more: cancelled, ended or gone."""
        try:
            record = self.read(job_id)
        except KeyError:
            return True
        return record.cancel_requested or record.status.is_terminal

    def read_all(self, job_ids: Sequence[str]) -> dict[str, Record]:
        """Return the records of those jobs that there are, by id."""
        # By SQL of our own: diskcache reads one key at a time, and what a read costs
        # are SQLite's locks.
        rows = self._cache._sql(
            "SELECT value FROM Cache"
            " WHERE key IN (SELECT value FROM json_each(?)) AND raw = 1",
            (json.dumps([_job(job_id) for job_id in job_ids]),),
        )
        records = [
            _parse(data) if len(data) < SMALL else Record.from_json(data)
            for (data,) in rows
        ]
        return {record.id: record for record in records}

    def result(self, job_id: str) -> bytes | None:
        """Return the result of a job as JSON text, or None if it has none."""
        result: bytes | None = self._cache.get(_result(job_id))
        return result

    def call(self, job_id: str) -> Call | None:
        """Return what a worker needs to run the job, or None once it has ended."""
        data = self._cache.get(_call(job_id))
        return None if data is None else Call.from_json(data)

    def give_function(self, job_id: str, function: str) -> None:
        """Add the pickled function that a job's worker asked for. Idempotent.

        One that has ended meanwhile is left alone.
        """
        with transaction(self._cache), suppress(KeyError, JobEndedError):
            call = self.call(job_id)
            if call is not None:
                self._cache.set(
                    _call(job_id), replace(call, function=function).to_json()
                )
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
            JobEndedError: it has ended already.
        """
        with after_it(self._cache, len(result or b"")), transaction(self._cache):
            before = self.read(job_id)
            after = change(before)
            if after.status is Status.SUCCEEDED and result is not None:
                self._cache.set(_result(job_id), result)
            if after.libraries:
                known = dict.fromkeys([*self._libraries.read(), *after.libraries], True)
                self._libraries.write(known)
            if before.status is Status.QUEUED and after.status.is_terminal:
                self.queues.remove(before)
            if after.status is Status.SUCCEEDED and after.started is not None:
                self.durations.add(after.task, after.changed - after.started)
            if before.status is Status.QUEUED is not after.status:
                self._cache.set(_WAITING, max(0, self._cache.get(_WAITING, 0) - 1))
            return self._put(after)

    def end(self, job_id: str, status: Status, error: JobError | None = None) -> bool:
        """Bring a job to a terminal status, unless it has come to one by itself.

        Returns:
            Whether it had not.
        """
        try:
            self.change(job_id, lambda record: record.end(status, time.time(), error))
        except (KeyError, JobEndedError):
            return False
        return True

    def leave(self, ticket: Ticket) -> None:
        """Take a requester out of a job; the last one ends it. Idempotent."""
        with transaction(self._cache):
            self.presence.forget(str(ticket))
            with suppress(KeyError, JobEndedError):
                after = self.change(
                    ticket.job,
                    lambda record: record.leave(ticket.requester, time.time()),
                )
                requester = after.requester(ticket.requester)
                if requester.left is not None:
                    self._let_go(after, requester)

    def see(self, record: Record, requester_id: str) -> None:
        """Take note that a requester's page is there, if its job is to end with it."""
        leave_timeout = record.limits.leave_timeout
        if leave_timeout is not None:
            ticket = str(Ticket(job=record.id, requester=requester_id))
            self.presence.see(ticket, leave_timeout, time.monotonic())

    def _put(self, record: Record) -> Record:
        ended = record.status.is_terminal
        self._cache.set(_job(record.id), record.to_json())
        if ended:
            self._kept.start(record.id, self.result_ttl, Instant.now())
            self._cache.delete(_call(record.id))
            for job_id in self._flights.end(record):
                with suppress(KeyError):
                    self._enqueue(self.read(job_id))
            for requester in record.requesters:
                if requester.left is None:
                    self._let_go(record, requester)
        return record

    def _let_go(self, record: Record, requester: Requester) -> None:
        """Forget about a requester that has left its job, or whose job has ended."""
        ticket = Ticket(job=record.id, requester=requester.id)
        if record.limits.leave_timeout is not None:
            self.presence.forget(str(ticket))
        if requester.lane is not None:
            following = self._lanes.leave(requester.lane, ticket)
            if following is not None:
                self._enqueue(self.read(following.job))

    def _enqueue(self, record: Record) -> None:
        # Not sooner: who waits in a lane is not to keep others waiting with it.
        if record.is_joinable and self._flights.begin(record, self._joinable(record)):
            self.queues.add(record)

    def take(self, code: str, dispatcher: Process, max_concurrency: int) -> str | None:
        """Start the next job of a code version's queue, if a place is free. Atomic.

        The job is ``running`` then, and its place taken by a worker still to register.

        Returns:
            Its id, or None if no job waits or no place is free.
        """
        with transaction(self._cache):
            while len(self.slots.workers()) < max_concurrency:
                job_id = self.queues.pop(code)
                if job_id is None:
                    return None
                try:
                    self.change(job_id, lambda record: record.start(time.time()))
                except (KeyError, JobEndedError):
                    continue  # cancelled while it waited
                self.slots.assign(job_id, dispatcher)
                return job_id
        return None

    def expire_queue(self, code: str, now: Instant) -> None:
        """End every job that has waited for a code version for longer than it may."""
        countdowns = self._waits(code)
        while countdowns.is_over(now):
            with transaction(self._cache):
                for job_id in countdowns.take(now, _BATCH):
                    self._expire(job_id)

    def _expire(self, job_id: str) -> None:
        with suppress(KeyError):
            record = self.read(job_id)
            if record.status is Status.QUEUED:
                self.end(job_id, Status.TIMED_OUT, JobError.expired(record.task))

    def drop_queue(self, code: str, reason: str) -> None:
        """End as ``lost`` what waits for a code version; forget it, if none runs."""
        with transaction(self._cache):
            while (job_id := self.queues.pop(code)) is not None:
                with suppress(KeyError):
                    task = self.read(job_id).task
                    error = JobError(type="NotStarted", message=reason, task=task)
                    self.end(job_id, Status.LOST, error)
            running = self.read_all(list(self.slots.workers())).values()
            # Who waits in a lane for one of these comes to the queue at its end.
            if all(record.code != code for record in running):
                self._waits(code).clear()
                self.registry.forget(code)

    def resign(self, code: str) -> bool:
        """Stop being the dispatcher of a code version. False while jobs wait for it."""
        with transaction(self._cache):
            if not self.queues.is_empty(code):
                return False
            self.registry.resign(code)
            return True

    def sweep(self) -> None:
        """Remove the records of ended jobs whose time is over."""
        now = Instant.now()
        while self._kept.is_over(now):
            with transaction(self._cache):
                for job_id in self._kept.take(now, _BATCH):
                    self._cache.delete(_job(job_id))
                    self._cache.delete(_result(job_id))

    def _waits(self, code: str) -> Expiries:
        return Expiries(self._cache, f"waits:{code}")


@functools.lru_cache(maxsize=1024)
def _parse(data: bytes) -> Record:
    """Return the record; most polls read the very text that the last one read."""
    return Record.from_json(data)


def _job(job_id: str) -> str:
    return f"job:{job_id}"


def _call(job_id: str) -> str:
    return f"call:{job_id}"


def _result(job_id: str) -> str:
    return f"result:{job_id}"
