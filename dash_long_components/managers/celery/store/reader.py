"""Puts the documents of a job together, and ends a job that can't go on."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence

import celery

from ....core.job_errors import JobError
from ....core.records import SMALL, Record
from ....core.status import Status
from ..documents.calls import Calls
from ..documents.deliveries import Delivery, Message, Receipt
from ..documents.documents import Documents
from ..documents.ends import Ends, workflow_key
from ..documents.job_state import End, Live
from ..documents.requesters import with_requesters
from ..documents.unexpected_ends import (
    CeleryFailure,
    sender_died,
    worker_died,
    workflow_gone,
)
from ..messages.groups import Membership
from ..messages.recovery import Recovery
from ..workers.leases import Leases, Tenure
from .attempts import Attempts

#: The documents of any job, of one that is known to have started, and of one whose
#: record is in the document of its end.
_DOCUMENTS = (
    *("end", "live", "requesters"),
    *("queued", "message", "taken", "delivery"),
)
_AFTER_START = _DOCUMENTS[:3]
_AFTER_END = ("end", "requesters")

#: Jobs that are remembered to have started: most polls ask for one. And jobs that are
#: remembered to have ended: most rows of a list have.
_REMEMBERED = 4096

#: Seconds after which a server that has not sent its job has died.
_SENDING = 60


class JobReader:
    """Reads the records of jobs.

    Args:
        app: of the broker.
        documents: where the records are stored.
        ends: where ends are stored.
        lease: of the workers, in seconds.
        membership: returns how a job is related to its group, by the group's name.
        is_draining: returns whether no further run of a job may start.
    """

    def __init__(
        self,
        app: celery.Celery,
        documents: Documents,
        ends: Ends,
        lease: float,
        membership: Callable[[str, str], Membership],
        is_draining: Callable[[], bool],
    ) -> None:
        self._documents = documents
        self._ends = ends
        self._leases = Leases(documents)
        self._attempts = Attempts(documents)
        self._calls = Calls(documents)
        self._recovery = Recovery(app, documents, self._leases, lease, is_draining)
        self._membership = membership
        self._started: set[str] = set()
        self._ended: set[str] = set()

    def read_all(self, job_ids: Sequence[str]) -> list[Record | None]:
        """Return the record of each job, or None if it is missing."""
        parts = {job_id: self._parts(job_id) for job_id in job_ids}
        keys = [f"{job_id}.{part}" for job_id in parts for part in parts[job_id]]
        judged = [job_id for job_id in parts if parts[job_id] is not _AFTER_END]
        texts, failures = self._documents.read_with_failures(keys, judged)
        found = dict(zip(keys, texts, strict=True))
        failed = dict(zip(judged, failures, strict=True))
        return [
            self._put_together(
                job_id,
                [found.get(f"{job_id}.{part}") for part in _DOCUMENTS],
                failed.get(job_id),
            )
            for job_id in job_ids
        ]

    def _parts(self, job_id: str) -> tuple[str, ...]:
        """Return which documents of a job have to be read."""
        if job_id in self._ended:
            return _AFTER_END
        return _AFTER_START if job_id in self._started else _DOCUMENTS

    def gone(self, job_ids: Sequence[str]) -> list[str]:
        """Return those of several jobs whose functions do not run any more.

        A job that another process has ended may run until its process is killed. Its
        worker says when that is done.
        """
        records = dict(zip(job_ids, self.read_all(job_ids), strict=True))
        return [
            job_id
            for job_id, record in records.items()
            if record is None or (record.status.is_terminal and self._is_gone(job_id))
        ]

    def _is_gone(self, job_id: str) -> bool:
        end, text = self._documents.read_many([f"{job_id}.end", f"{job_id}.live"])
        if text is None or (end is not None and End.from_text(end).live is not None):
            return True
        live = Live.from_text(text)
        if live.record.status is Status.QUEUED or live.waits:
            return True  # it waited, for its next attempt or a workflow
        lease = live.worker.lease
        return not lease or self._leases.tenure(lease) is not Tenure.RENEWED

    def _put_together(
        self, job_id: str, texts: Sequence[str | None], failure: CeleryFailure | None
    ) -> Record | None:
        """Return the record that the documents of a job make, or None."""
        end_text, live_text, requesters, queued, *sending = texts
        end = _end(end_text) if end_text else None
        live: Live | None = None
        if end and end.live:
            record = end.live.record  # the document that is written last stays longest
            _add(self._ended, job_id)
        elif live_text:
            live = _live(live_text)
            record = live.record
            self._remember(job_id, has_started=record.status is not Status.QUEUED)
        elif queued:
            record = Record.from_json(queued.encode())
        else:
            return None
        record = with_requesters(record, requesters)
        if end is None:
            end = self._judge(record, live, failure, sending)
        return end.of(record) if end else record

    def _remember(self, job_id: str, *, has_started: bool) -> None:
        """Note that a job has started: its earlier documents are not read again.

        One that waits for its next attempt has to be sent once more.
        """
        if not has_started:
            self._started.discard(job_id)
            return
        _add(self._started, job_id)

    def _judge(
        self,
        record: Record,
        live: Live | None,
        failure: CeleryFailure | None,
        sending: Sequence[str | None],
    ) -> End | None:
        """End a job that can't go on.

        Args:
            record: of the job, which has not ended.
            live: the job as its worker wrote it; None if it has not begun.
            failure: what Celery says of it.
            sending: the documents about its messages.

        Returns:
            The end that counts; None if the job goes on.
        """
        now = time.time()
        if live is None:
            end = self._end_before_start(record, failure, sending, now)
        elif record.status.is_terminal:
            # Its worker has died before it could write more than that.
            end = End(status=record.status, at=record.changed, live=live)
        elif live.has_expired:
            error = JobError.expired(record.task)
            end = End(status=Status.TIMED_OUT, at=now, error=error)
        elif record.status is Status.QUEUED:
            # Between two attempts. Only the first read after one has its messages.
            end = self._follow(record, sending, now) if sending[0] else None
        else:
            end = self._end_of_run(record, live, failure, now)
        return None if end is None else self._decide(record, live, end)

    def _end_before_start(
        self,
        record: Record,
        failure: CeleryFailure | None,
        sending: Sequence[str | None],
        now: float,
    ) -> End | None:
        """Return the end of a job that can't begin; None if it may."""
        # A death before the beginning is no attempt: the job is sent again.
        is_no_attempt = record.retries is not None and failure and failure.is_death
        if failure is not None and not is_no_attempt:
            return failure.end(record, now)
        return self._follow(record, sending, now)

    def _end_of_run(
        self, record: Record, live: Live, failure: CeleryFailure | None, now: float
    ) -> End | None:
        """Return the end of a run that can't go on; None if it may."""
        # Celery has one place for the ends of all attempts, so workers alone say those.
        if failure is not None and record.retries is None:
            return failure.end(record, now)
        if live.waits:
            # Any worker watches its workflow, as long as the backend has that.
            is_there = self._documents.read(workflow_key(record.id)) is not None
            return None if is_there else workflow_gone(record, now)
        if self._leases.tenure(live.worker.lease) is not Tenure.RENEWED:
            return worker_died(live.worker, record, now)
        return None

    def _decide(self, record: Record, live: Live | None, end: End) -> End | None:
        """Store the end of a job, and return the one that counts.

        None if only an attempt ends. The next read shows how the job goes on.
        """
        if live is not None and self._attempts.end(live, end):
            return None
        decided = self._ends.decide(record.id, end)
        if decided.live is not None:
            # The worker that wrote it may have died before it did that.
            self._calls.end(record.id, decided.live.calls, decided.status)
        return decided

    def _follow(
        self, record: Record, sending: Sequence[str | None], now: float
    ) -> End | None:
        """Send a job again whose message is lost; return its end if that is in vain."""
        text, receipt, delivery = sending
        message = Message.from_text(text) if text else None
        is_missing = message is None
        if message is not None and message.group is not None and receipt is None:
            membership = self._membership(message.group, record.id)
            if membership is Membership.WAITING:
                return None
            is_missing = membership is Membership.NONE
        if message is None or is_missing:
            is_over = receipt is None and now - record.created > _SENDING
            return sender_died(record, now) if is_over else None
        return self._recovery.follow(
            record,
            message,
            Receipt.from_text(receipt) if receipt else None,
            Delivery.from_text(delivery) if delivery else None,
        )


def _add(job_ids: set[str], job_id: str) -> None:
    """Add a job to those that are remembered."""
    if len(job_ids) >= _REMEMBERED:
        job_ids.clear()
    job_ids.add(job_id)


@functools.lru_cache(maxsize=1024)
def _parse(text: str) -> Live:
    """Return what a text says. Most polls read the same text as the poll before."""
    return Live.from_text(text)


def _live(text: str) -> Live:
    return _parse(text) if len(text) < SMALL else Live.from_text(text)


@functools.lru_cache(maxsize=1024)
def _parse_end(text: str) -> End:
    """Return what a text says. Most looks at a list read the same texts as before."""
    return End.from_text(text)


def _end(text: str) -> End:
    return _parse_end(text) if len(text) < SMALL else End.from_text(text)
