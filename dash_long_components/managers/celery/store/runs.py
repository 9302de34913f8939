"""The documents that workers write: receipts, starts, reports and results."""

from __future__ import annotations

import time
from dataclasses import replace

import celery

from ....core import attempts
from ....core.calls import Call
from ....core.ids import new_job_id
from ....core.records import Record
from ....core.status import Status
from ....exceptions import JobEndedError
from ..documents.calls import Calls
from ..documents.checkpoints import StoredCheckpoints
from ..documents.deliveries import Delivery, Message
from ..documents.documents import Documents
from ..documents.job_state import End, Live, Worker
from ..documents.unexpected_ends import call_gone
from ..messages.recovery import delivery_key
from .attempts import Attempts
from .keeper import Keeper
from .store import CeleryStore, result_key


class Runs:
    """The runs of jobs in this worker. Waits while the backend does not respond.

    Attributes:
        store: a patient one.

    Args:
        app: of the worker.
        lease: of its workers, in seconds.
    """

    def __init__(self, app: celery.Celery, lease: float) -> None:
        self.store = CeleryStore(app, lease, patient=True)
        self._documents = self.store.documents
        self._calls = Calls(self._documents)
        self._attempts = Attempts(self._documents)
        self._keeper = Keeper(self._documents)
        self._checkpoints = StoredCheckpoints(self._documents)
        self._impatient = Documents(app)

    def send_back(self, job_id: str, number: int) -> int | None:
        """Note that a job goes back to the queue, since its turn has not come.

        Args:
            job_id: which job.
            number: of its message that this worker has received.

        Returns:
            The number of the next message; None if there is one already.
        """
        following: int | None = None

        def change(text: str | None) -> str:
            nonlocal following
            found = Delivery.from_text(text) if text else Delivery(at=time.time())
            following = None
            if found.number <= number:
                found = replace(found, number=number)
                found = found.sent_again(time.time(), is_lost=False)
                following = found.number
            return found.to_text()

        self._documents.update(delivery_key(job_id), change)
        return following

    def is_paused(self, job_id: str, task: str) -> bool:
        """Return whether a job has to wait, since operators have paused its task."""
        if not self.store.halts.is_paused(task):
            return False
        (record,) = self.store.read_all([job_id])
        return record is not None and record.status is Status.QUEUED

    def until_due(self, job_id: str) -> float:
        """Return the seconds until the next attempt of a job may start; 0 for now."""
        live = self.store.live(job_id)
        if live is None or live.record.status is not Status.QUEUED:
            return 0.0
        if self.store.ends.get(job_id) is not None:
            return 0.0  # it was cancelled while it waited
        now = time.time()
        due = live.record.next_try or now
        return 0.0 if attempts.is_due(live.record, now) else due - now

    def start(
        self, job_id: str, worker: Worker, message: Message, number: int = 0
    ) -> tuple[Live, Call] | None:
        """Start a job, or its next attempt.

        Args:
            job_id: which job.
            worker: starts it.
            message: how it was sent.
            number: of the message.

        Returns:
            None if the job has ended, or was started before.
        """
        call_keys = self._calls.keys(job_id, message.parts)
        end, live_text, queued, *call = self._documents.read_many(
            [f"{job_id}.end", f"{job_id}.live", f"{job_id}.queued", *call_keys]
        )
        if end and None not in call:
            # It was cancelled while it was sent.
            self._calls.delete(job_id, message.parts)
        if end or queued is None:
            return None
        now = time.time()
        if live_text:
            found = Live.from_text(live_text)
            before = found.record
            if found.has_expired or not self._may_try_again(before, now):
                return None
        else:
            before = Record.from_json(queued.encode())
        if None in call:
            # What no one reads is what a backend that is short of memory drops first.
            self.store.ends.decide(job_id, call_gone(before, now))
            return None
        if before.retries is not None or self._keeper.is_old(before.created):
            # It may have waited nearly as long as its documents are stored.
            self._keeper.keep([job_id])
        record = before.start(now)
        live = Live(
            run=new_job_id(),
            worker=worker,
            calls=message.parts,
            number=number,
            record=record,
        )
        # A repeated begin, after the backend lost an answer, finds this run.
        if live.run != self.store.begin(live, live_text).run:
            return None
        if record.run > 1:
            self._attempts.forget(job_id)
        # Both sides write before they read, so at least one of them sees the other.
        if not self._is_current(live):
            return None
        self.store.listings.stop_waiting(record)
        return live, Call.from_json("".join(map(str, call)).encode())

    def _may_try_again(self, record: Record, now: float) -> bool:
        """Return whether a further attempt starts now. Ends a job that is too late."""
        if record.status is not Status.QUEUED or not attempts.is_due(record, now):
            return False
        late = attempts.late_error(record, now)
        if late is not None:
            self.store.end(record.id, Status.TIMED_OUT, late)
        return late is None

    def call(self, live: Live) -> Call | None:
        """Return what a job runs; None if the backend has dropped it."""
        keys = self._calls.keys(live.record.id, live.calls)
        texts = self._documents.read_many(keys)
        if None in texts:
            return None
        return Call.from_json("".join(map(str, texts)).encode())

    def has_outside_end(self, job_id: str) -> bool:
        """Return whether another process has ended a job. Never waits.

        Raises:
            StoreUnavailableError: the backend does not respond.
        """
        return self._impatient.read(f"{job_id}.end") is not None

    def change(self, live: Live, record: Record, result: bytes | None = None) -> Live:
        """Replace the record of a job that this process runs.

        Raises:
            JobEndedError: another process has ended the job, or runs it.
        """
        if not self._is_current(live):
            raise _not_ours(live)
        if record.status.is_terminal:
            return self._finish(live, record, result)
        if record.status is Status.QUEUED and record.retries is not None:
            return _ours(live, self._attempts.try_again(live, record))
        return self._replace(live, replace(live, record=record))

    def load_checkpoint(self, live: Live) -> str | None:
        """Return the checkpoint for a run of a job; None if it has none.

        Raises:
            JobEndedError: a later run has it.
        """
        return self._checkpoints.load(live)

    def save_checkpoint(self, live: Live, text: str) -> None:
        """Replace the checkpoint of a job that this process runs.

        Raises:
            JobEndedError: another process has ended the job, or runs it.
        """
        self._checkpoints.save(live, text)
        if not self._is_current(live):
            if self.store.ends.get(live.record.id) is not None:
                # It ended in between, and nothing else would delete it any more.
                self._checkpoints.delete(live.record.id)
            raise _not_ours(live)

    def check(self, live: Live) -> None:
        """Check that this process still runs a job.

        Raises:
            JobEndedError: another process has ended the job, or runs it.
        """
        if not self._is_current(live):
            raise _not_ours(live)

    def _finish(self, live: Live, record: Record, result: bytes | None) -> Live:
        text = result.decode() if result else ""
        parts = self._documents.write_parts(result_key(live), text)
        if record.libraries:
            self.store.common.add_libraries(record.libraries)
        before, live = live, replace(live, record=record, parts=parts)
        if record.retries is not None:
            # Until here, the job may have gone on with another attempt.
            self._replace(before, live)
        end = End(status=record.status, at=record.changed, live=live)
        ended = self.store.ends.decide(record.id, end)
        if ended.live is None or ended.live.run != live.run:
            raise _not_ours(live)
        # Last, because no page waits for it.
        self._calls.end(record.id, live.calls, record.status)
        self.store.listings.end(record.id)
        is_usual = record.status is Status.SUCCEEDED and record.asked is None
        if is_usual and record.started is not None:
            seconds = record.changed - record.started
            self.store.common.add_duration(record.task, seconds)
        return live

    def _replace(self, live: Live, after: Live) -> Live:
        """Replace the document of a job that this process runs.

        Any process may end an attempt, in this document. So the change of a job with
        retries compares the run. Of other jobs, only this process writes it.
        """
        if live.record.retries is not None:
            return _ours(live, self._attempts.change(live, lambda _: after))
        self._documents.write(f"{live.record.id}.live", after.to_text())
        self._documents.announce(live.record.id)
        return after

    def _is_current(self, live: Live) -> bool:
        job_id = live.record.id
        end, text = self._documents.read_many([f"{job_id}.end", f"{job_id}.live"])
        found = Live.from_text(text) if text else None
        return end is None and found is not None and found.run == live.run


def _ours(live: Live, after: Live | None) -> Live:
    """Return a job after a change; raise if its attempt had ended."""
    if after is None:
        raise _not_ours(live)
    return after


def _not_ours(live: Live) -> JobEndedError:
    return JobEndedError(f"Another process has ended job {live.record.id}, or runs it.")
