"""The manager for tests: jobs in memory, run by threads of this process."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ...core import quantities
from ...core.caching import CacheBy, CachedResult
from ...core.durations import median, with_another
from ...core.forecasts import forecast
from ...core.jobs import Caching, Call, JobError, Lane, Status, Ticket, new_job_id
from ...core.lanes import Admission, Entry
from ...core.queueing import is_full
from ...core.records import Record, Report, Requester
from ...core.snapshots import Place, Snapshot
from ...exceptions import JobEndedError
from ...running import runtime
from ...running.current import CurrentJob
from ...running.tasks import Task
from ..base import LongCallbackManager
from ..store.joinable import Flights
from ..store.lanes import Lanes
from .deadlines import Deadlines

logger = logging.getLogger("dash_long_components")

#: Seconds for which ``close`` waits for functions whose jobs it has cancelled.
CLOSE_TIMEOUT = 5.0


class MemoryLongCallbackManager(LongCallbackManager):
    """Runs jobs in threads of this process, and keeps them in its memory.

    For tests: nothing has to be installed or started, and nothing stays behind. It
    keeps to what the other managers do with two exceptions. A thread can't be killed:
    a cancelled job ends at once for the page, and its function at its next
    ``set_progress``, or when it sees ``current_job().cancelled``. And a job that ends
    its process ends the tests.

    Args:
        cache_by: a function without arguments or a list of them. With it, results are
            cached as by the other managers. An empty list caches too.
        expire: seconds since its last use after which a cached result goes.
        inline: run a job within the request that starts it, which answers when the job
            has ended: nothing happens at the same time any more.
        max_concurrency: how many jobs run at once.
        max_queue: how many jobs may wait; a further one is ``rejected``.

    Raises:
        ValueError: one of them is of the wrong kind.
    """

    def __init__(
        self,
        cache_by: CacheBy | Sequence[CacheBy] | None = None,
        expire: float | None = None,
        *,
        inline: bool = False,
        max_concurrency: int = 4,
        max_queue: int = 1000,
    ) -> None:
        super().__init__(cache_by, expire)
        self.handle = None
        self._inline = inline
        self._max_concurrency = quantities.count("max_concurrency", max_concurrency)
        self._max_queue = quantities.count("max_queue", max_queue)
        self._secret = secrets.token_bytes(32)
        #: Guards all that follows; notified when a job ends.
        self._changed = threading.Condition(threading.RLock())
        self._records: dict[str, Record] = {}
        self._results: dict[str, bytes] = {}
        self._libraries: set[str] = set()
        self._durations: dict[str, list[float]] = {}
        self._lanes = Lanes(rows := _Rows())
        self._flights = Flights(rows)
        self._kept = _KeptResults()
        #: What is to be run, by job id, until it is started.
        self._calls: dict[str, tuple[Task, Call]] = {}
        self._queue: deque[str] = deque()
        self._threads: dict[threading.Thread, str] = {}
        self._deadlines = Deadlines(self._changed, self._expire)

    def submit(
        self, task: Task, call: Call, lane: Lane | None = None
    ) -> str | CachedResult | None:
        with self._changed:
            admission = self._lanes.admit(lane)
            if admission.entry is Entry.NEVER:
                return None
            kept = self._kept.get(call.caching) if call.caching else None
            if kept is not None and not admission.needs_job_for_hit:
                self._cancel_all(admission)
                return kept if admission.shows_hit else None
            ticket = self._ask(task, call, lane, admission)
            if self._inline:
                self._changed.wait_for(lambda: self._has_ended(ticket.job))
            return str(ticket)

    def _ask(
        self, task: Task, call: Call, lane: Lane | None, admission: Admission
    ) -> Ticket:
        """Make a job, or join one."""
        now = time.time()
        new = Record(
            id=new_job_id(),
            task=task.name,
            code="",
            key=call.caching.key if call.caching else None,
            limits=call.limits,
            created=now,
            changed=now,
        )
        joined = self._joinable(new) if admission.may_join else None
        record = joined or new
        requester = Requester(
            id=str(len(record.requesters)), lane=lane.name if lane else None
        )
        ticket = Ticket(job=record.id, requester=requester.id)
        self._records[record.id] = record.join(requester)
        if lane is not None and admission.is_placed:
            self._lanes.enter(ticket, lane, waits=admission.entry is Entry.WAIT)
        # Not before it has joined a job that it may replace itself in.
        self._cancel_all(admission)
        if admission.entry is Entry.LATE:
            self._end(record.id, Status.CANCELLED)
        elif joined is None and self._is_full():
            error = JobError.queue_full(task.name, self._max_queue)
            self._end(record.id, Status.REJECTED, error)
        else:
            if joined is None:
                # By way of JSON, as to any other process.
                self._calls[record.id] = (task, Call.from_json(call.to_json()))
                if admission.entry is Entry.NOW:
                    self._enqueue(record.id)
            self._see(record)
            self._start_next()
        return ticket

    def _joinable(self, record: Record) -> Record | None:
        found = self._records.get(self._flights.find(record) or "")
        return found if found is not None and found.is_joinable else None

    def _is_full(self) -> bool:
        return is_full(
            waiting=len(self._calls),
            running=self._running(),
            max_concurrency=self._max_concurrency,
            max_queue=self._max_queue,
        )

    def read(self, ticket: str, cursor: int) -> Snapshot:
        asked = Ticket.parse(ticket)
        with self._changed:
            record = self._records[asked.job]
            snapshot = record.since(cursor, asked.requester)
            if record.requester(asked.requester).left is None:
                self._see(record)
            if snapshot.status is Status.QUEUED:
                return replace(snapshot, place=self._places().get(asked.job))
            if snapshot.has_begun:
                return replace(snapshot, estimate=self._estimate(record.task))
            if snapshot.status is Status.SUCCEEDED and snapshot.cursor > cursor:
                return replace(snapshot, result=self._results.get(asked.job))
            return snapshot

    def cancel(self, ticket: str) -> None:
        asked = Ticket.parse(ticket)
        with self._changed, suppress(KeyError, JobEndedError):
            record = self._records[asked.job]
            after = record.leave(asked.requester, time.time())
            requester, grace = (
                after.requester(asked.requester),
                record.limits.cancel_grace,
            )
            if requester.left is not None:
                self._records[asked.job] = after
                self._let_go(after, requester)
            elif record.status is Status.RUNNING and grace is not None:
                self._records[asked.job] = after
                self._deadlines.set(asked.job, "cancel_grace", grace)
            else:
                # A thread can't be made to end: the job does so without it.
                self._end(asked.job, Status.CANCELLED)
            self._start_next()

    def _cancel_all(self, admission: Admission) -> None:
        for ticket in admission.replaced:
            self.cancel(ticket)

    def secret(self) -> bytes:
        return self._secret

    def libraries(self) -> frozenset[str]:
        return frozenset(self._libraries)

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        """Cancel all jobs: they live in this process alone. Idempotent.

        Waits some seconds for their functions to return, and logs which ones don't.
        """
        with self._changed:
            # First those that wait: a place that is free would be theirs.
            records = sorted(
                self._records.values(),
                key=lambda record: record.status is Status.RUNNING,
            )
            for record in records:
                for requester in record.requesters:
                    self.cancel(str(Ticket(job=record.id, requester=requester.id)))
        deadline = time.monotonic() + CLOSE_TIMEOUT
        for thread, task in list(self._threads.items()):
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                logger.warning(
                    "%s still runs: look at current_job().cancelled in its loops.", task
                )

    def _running(self) -> int:
        statuses = [record.status for record in self._records.values()]
        return statuses.count(Status.RUNNING)

    def _places(self) -> dict[str, Place]:
        """Return where the jobs stand that wait, by id."""
        now = time.time()
        running = [
            (record.task, now - record.started)
            for record in self._records.values()
            if record.status is Status.RUNNING and record.started is not None
        ]
        waiting = [(i, self._records[i].task) for i in self._queue if i in self._calls]
        return forecast(self._max_concurrency, running, waiting, self._estimate)

    def _estimate(self, task: str) -> float | None:
        return median(self._durations.get(task, []))

    def _has_ended(self, job_id: str) -> bool:
        return self._records[job_id].status.is_terminal

    def _is_unwanted(self, job_id: str) -> bool:
        record = self._records[job_id]
        return record.cancel_requested or record.status.is_terminal

    def _see(self, record: Record) -> None:
        """Note that a page asks for a job."""
        if not record.status.is_terminal:
            timeout = record.limits.leave_timeout
            self._deadlines.set(record.id, "leave_timeout", timeout)

    def _expire(self, job_id: str, limit: str) -> None:
        """End a job that has come to one of its limits."""
        record = self._records[job_id]
        if limit == "timeout":
            error = JobError.timed_out(record.task, record.limits.timeout or 0.0)
            self._end(job_id, Status.TIMED_OUT, error)
        else:
            self._end(job_id, Status.CANCELLED)
        self._start_next()

    def _start_next(self) -> None:
        """Start the jobs at the head of the queue, as many as there are places for."""
        while self._queue and self._running() < self._max_concurrency:
            job_id = self._queue.popleft()
            if job_id not in self._calls:
                continue  # cancelled while it waited
            task, call = self._calls.pop(job_id)
            self._records[job_id] = self._records[job_id].start(time.time())
            self._deadlines.set(job_id, "timeout", call.limits.timeout)
            thread = threading.Thread(
                target=self._run,
                args=(job_id, task, call),
                name=f"dash-long-job-{job_id}",
                daemon=True,
            )
            self._threads[thread] = task.name
            thread.start()

    def _run(self, job_id: str, task: Task, call: Call) -> None:
        def write(report: Report) -> None:
            with self._changed:
                record = self._records[job_id]
                self._records[job_id] = record.report(time.time(), report)

        job = CurrentJob(job_id, task.name, lambda: self._is_unwanted(job_id))
        try:
            outcome = runtime.run_once(task, call, job, write, self._kept)
        except Exception as error:
            outcome = runtime.failure(task.name, error, call.debug)
        with self._changed:
            del self._threads[threading.current_thread()]
            with suppress(JobEndedError):
                self._end(
                    job_id,
                    outcome.status,
                    outcome.error,
                    result=outcome.result,
                    libraries=outcome.libraries,
                )
            self._start_next()

    def _end(
        self,
        job_id: str,
        status: Status,
        error: JobError | None = None,
        *,
        result: bytes | None = None,
        libraries: list[str] | None = None,
    ) -> None:
        """Bring a job to a terminal status, and let the next of its lane come.

        Raises:
            KeyError: no such job.
            JobEndedError: it is in one.
        """
        ended = self._records[job_id].end(status, time.time(), error, libraries or [])
        self._records[job_id] = ended
        self._calls.pop(job_id, None)
        self._deadlines.forget(job_id)
        self._libraries.update(ended.libraries)
        if ended.status is Status.SUCCEEDED:
            if ended.started is not None:
                seconds = ended.changed - ended.started
                durations = self._durations.get(ended.task, [])
                self._durations[ended.task] = with_another(durations, seconds)
            if result is not None:
                self._results[job_id] = result
        for waiting in self._flights.end(ended):
            self._enqueue(waiting)
        for requester in ended.requesters:
            if requester.left is None:
                self._let_go(ended, requester)
        self._changed.notify_all()

    def _let_go(self, record: Record, requester: Requester) -> None:
        """Forget about a requester that has left its job, or whose job has ended."""
        if requester.lane is not None:
            ticket = Ticket(job=record.id, requester=requester.id)
            following = self._lanes.leave(requester.lane, ticket)
            if following is not None:
                self._enqueue(following.job)

    def _enqueue(self, job_id: str) -> None:
        record = self._records[job_id]
        if record.is_joinable and self._flights.begin(record, self._joinable(record)):
            self._queue.append(job_id)


class _KeptResults:
    """Cached results, by key, with the monotonic time at which each goes."""

    def __init__(self) -> None:
        self._results: dict[str, tuple[CachedResult, float]] = {}

    def get(self, caching: Caching) -> CachedResult | None:
        result, until = self._results.get(caching.key, (None, 0.0))
        if result is None or until < time.monotonic():
            return None
        self.put(caching, result)
        return result

    def put(self, caching: Caching, result: CachedResult) -> None:
        seconds = float("inf") if caching.expire is None else caching.expire
        self._results[caching.key] = (result, time.monotonic() + seconds)


class _Rows(dict[str, Any]):
    """What lanes need of a ``diskcache.Cache``."""

    def set(self, key: str, value: Any) -> None:
        self[key] = value

    def delete(self, key: str) -> None:
        self.pop(key, None)
