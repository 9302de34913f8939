"""How a job comes to a store: it enters its lane, and the queue or a live job."""

from __future__ import annotations

from ...core.calls import Call
from ...core.ids import Ticket
from ...core.job_errors import JobError
from ...core.lanes import NO_LANE, Admission, Answer, Lane
from ...core.records import Record
from ...core.requesters import Requester, next_id
from ...core.status import Status
from .clock import Instant
from .dispatching import Dispatching
from .lifecycle import Lifecycle
from .tables import Tables


class Submitting:
    """Adds jobs to a store.

    Args:
        tables: of the store.
        lifecycle: of the same store.
        dispatching: of the same store.
    """

    def __init__(
        self, tables: Tables, lifecycle: Lifecycle, dispatching: Dispatching
    ) -> None:
        self._lifecycle = lifecycle
        self._dispatching = dispatching
        self._database = tables.database
        self._jobs = tables.jobs
        self._keys = tables.keys
        self._requesters = tables.requesters

    def submit(
        self,
        record: Record,
        call: Call,
        *,
        max_concurrency: int,
        max_queue: int,
        queue_timeout: float | None = None,
        lane: Lane | None = None,
        owner: str | None = None,
        keep_call: bool = False,
        again: str | None = None,
    ) -> Ticket | None:
        """Queue a job, or join a live one. Atomic.

        The job is ``rejected`` if the queue is full, and ``cancelled`` if it comes late
        to a lane that replaces.

        Args:
            record: of the job.
            call: what it runs.
            max_concurrency: slots of its queue.
            max_queue: jobs that may wait in its queue.
            queue_timeout: seconds for which it may wait; None for no limit.
            lane: that it comes to.
            owner: a user as JSON text.
            keep_call: whether the job can be retried if it does not succeed.
            again: id of a job whose kept call this is; it is kept no more.

        Returns:
            None if there is no job: its lane ignores it, or that call is not kept.
        """
        with self._database.transaction():
            if again is not None and not self._jobs.kept.drop(again):
                return None
            admission = self._requesters.admit(lane)
            if admission.answer is Answer.IGNORE:
                return None
            joined = self._keys.joinable(record) if admission.may_join else None
            before = joined or record
            requester = Requester(
                id=next_id(before.requesters),
                lane=lane.name if lane else None,
                owner=owner,
                destination=call.destination,
            )
            after, now = before.join(requester), Instant.now()
            ticket = Ticket(job=after.id, requester=requester.id)
            if admission.answer is Answer.CANCEL:
                self._jobs.add(after.end(Status.CANCELLED, record.created), now)
                return ticket
            self._requesters.add(
                ticket,
                lane,
                # Code that joins the job of a page has no page that polls.
                after.limits.leave_timeout if record.limits.leave_timeout else None,
                waits=admission.waits,
                now=now.monotonic,
            )
            if joined is not None:
                self._join(joined, after, owner, now)
            self._lifecycle.leave_all(admission)
            if joined is not None:
                return ticket
            if keep_call:
                self._jobs.kept.add(after.id, call)
            queue = call.scheduling.queue
            if self._dispatching.is_full(queue, max_concurrency, max_queue):
                self._reject(after, requester, max_queue, now)
            else:
                self._queue(after, call, queue_timeout, admission, now)
            return ticket

    def _join(
        self, before: Record, after: Record, owner: str | None, now: Instant
    ) -> None:
        self._lifecycle.replace(before, after, now)
        if owner is not None:
            self._jobs.own(after.id, owner)

    def _reject(
        self, record: Record, requester: Requester, max_queue: int, now: Instant
    ) -> None:
        error = JobError.queue_full(record.task, max_queue)
        self._jobs.add(record.end(Status.REJECTED, record.created, error), now)
        self._lifecycle.let_go(record, requester)

    def _queue(
        self,
        record: Record,
        call: Call,
        queue_timeout: float | None,
        admission: Admission,
        now: Instant,
    ) -> None:
        self._jobs.add(record, now, queue_timeout, call.scheduling)
        self._jobs.add_call(record.id, call)
        if not admission.waits:
            self._lifecycle.enqueue(record)

    def pass_by(self, lane: Lane | None) -> Admission:
        """Apply the rule of a lane to a cache hit."""
        # Usually the lane is empty, and no write has to wait for other writers.
        admission = self._requesters.admit(lane)
        if admission == NO_LANE:
            return admission
        with self._database.transaction():
            admission = self._requesters.admit(lane)
            self._lifecycle.leave_all(admission)
            return admission
