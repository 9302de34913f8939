"""The store of the Celery manager: jobs in documents.

``<id>.queued``
    The record as it was submitted, by the server.
``<id>.call``
    What to run, in parts, by the server; deleted at the end.
``<id>.kept``
    The call again, by the server, if it is kept for a retry; deleted when the job
    succeeds.
``<id>.retried``
    The id of the job that a retry submits with it, and of the job that this one joins
    instead of running; deleted if the submission fails.
``<id>.message``
    How to send the job, by the server.
``<id>.delivery``
    Which message is under way, by readers and by a worker that sends it back.
``<id>.taken``
    Which worker has received it, by the main process of that worker.
``<id>.live``
    The record from its start on, and which worker runs it, by the process that runs it
    and by what ends an attempt. Between attempts it is queued.
``<id>.checkpoint``
    What the next attempt goes on from, by the same; deleted at the end.
``<id>.answer``
    The last question and its answer, by the same and by any server; deleted at the end.
``<id>.result``
    The result, in parts, by the same.
``<id>.requesters``
    The requesters, once they have changed, by any server.
``<id>.end``
    How the job ended, by the first process that ends it.
``<id>``
    How the task ended, by Celery, if it did not return.

``reader`` puts them together, and ``recovery`` sends a job again whose message is lost.
The first process that writes ``<id>.live`` starts the job (``runs``), and the first one
that writes ``<id>.end`` ends it (``ends``). The writes of all others are refused.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import celery

from ....core.ids import Ticket, new_job_id
from ....core.job_errors import JobError
from ....core.records import Record
from ....core.requesters import Requester
from ....core.status import Status
from ..documents.answers import CeleryAnswers
from ..documents.calls import Calls
from ..documents.common_documents import CommonDocuments
from ..documents.deliveries import Message, Receipt
from ..documents.documents import Documents
from ..documents.ends import Ends, message_key
from ..documents.halts import StoredHalts
from ..documents.job_state import End, Live
from ..documents.kept_calls import KeptCalls
from ..documents.lanes import CeleryLanes, JoinableJobs
from ..documents.listings import Listings
from ..documents.requesters import CeleryRequesters
from ..documents.unexpected_ends import never_sent
from ..messages.groups import Groups, Readiness
from ..messages.sending import Sender
from .attempts import Attempts
from .keeper import Keeper
from .patrol import Patrol
from .reader import JobReader
from .waiting_attempts import WaitingAttempts


class CeleryStore:
    """Job records in a Celery result backend.

    Every method raises StoreUnavailableError while the backend does not respond; a
    patient store waits instead.

    Attributes:
        documents: where all is stored.
        ends: the ends of jobs.
        answers: the answers to the questions of jobs.
        lanes: the live jobs of every lane.
        joinable: the jobs that can be joined.
        common: documents that belong to no single job.
        groups: hold jobs back that may not run yet.
        listings: lists of jobs.
        halts: what operators keep from starting.
        kept_calls: the calls that are kept for a retry.

    Args:
        app: with a result backend.
        lease: of the workers, in seconds.
        patient: as a worker is, which has a result to write.
        guard: held during each access to the backend.
    """

    def __init__(
        self,
        app: celery.Celery,
        lease: float = 10.0,
        *,
        patient: bool = False,
        guard: AbstractContextManager[object] | None = None,
    ) -> None:
        self.documents = Documents(app, patient=patient, guard=guard)
        self.ends = Ends(self.documents)
        self.answers = CeleryAnswers(self.documents)
        self.attempts = Attempts(self.documents)
        self.lanes = CeleryLanes(self.documents, self.are_live)
        self.joinable = JoinableJobs(self.documents, self._find)
        self.common = CommonDocuments(self.documents)
        self.halts = StoredHalts(self.documents)
        self._sender = Sender(app)
        self.groups = Groups(self.documents, self._gone, self._readiness, self._send)
        self._reader = JobReader(
            app,
            self.documents,
            self.ends,
            lease,
            self.groups.membership,
            self.halts.is_draining,
        )
        self.listings = Listings(self.documents, self.read_all)
        self._waiting_attempts = WaitingAttempts(
            self.attempts,
            Keeper(self.documents),
            self.read_all,
            keep_listed=self.listings.keep,
            is_draining=self.halts.is_draining,
            pause=lease,
            expires=lambda: self.documents.expires,
        )
        self._patrol = Patrol(self.documents, self.listings, lease)
        self._calls = Calls(self.documents)
        self.kept_calls = KeptCalls(
            self.documents, self._calls, self.message, self._find
        )
        self._requesters = CeleryRequesters(self.documents)

    def submit(self, record: Record) -> None:
        """Store a job that is about to enter its lane."""
        self.documents.write(f"{record.id}.queued", record.to_json().decode())

    def prepare(
        self, record: Record, message: Message, call: str, keep: bool = False
    ) -> Message:
        """Store the call of a job that is about to be sent, and how to send it.

        Args:
            record: of the job.
            message: sends it.
            call: what it runs.
            keep: whether to keep the call if the job does not succeed.

        Returns:
            The message to send.
        """
        parts = self._calls.split(record.id, call, keep)
        message = replace(message, parts=len(parts) // (2 if keep else 1))
        self.listings.add(record)
        self.documents.write_many({**parts, message_key(record.id): message.to_text()})
        return message

    def message(self, job_id: str) -> Message | None:
        """Return how to send a job; None if that is not known (any more)."""
        text = self.documents.read(message_key(job_id))
        return Message.from_text(text) if text else None

    def _send(self, job_id: str) -> None:
        message = self.message(job_id)
        if message is not None:
            self._sender.send_first(job_id, message)

    def _gone(self, job_ids: Sequence[str]) -> list[str]:
        return self._reader.gone(job_ids)

    def _readiness(self, job_id: str) -> Readiness:
        """Return whether a job may run now that its group would let it."""
        end, queued, text = self.documents.read_many(
            [f"{job_id}.end", f"{job_id}.queued", message_key(job_id)]
        )
        if end is not None or queued is None or text is None:
            return Readiness.OVER
        message, record = Message.from_text(text), Record.from_json(queued.encode())
        if message.expires is not None and time.time() >= message.expires:
            self.expire(record)
            return Readiness.OVER
        if self.halts.is_paused(record.task):
            return Readiness.WAITS
        if message.lane is not None and not self.is_turn(job_id, message.lane):
            return Readiness.WAITS
        return Readiness.READY

    def is_turn(self, job_id: str, lane: str) -> bool:
        """Return whether a job that waits in a lane may run now.

        From then on others may join it.
        """
        (record,) = self.read_all([job_id])
        if record is None or record.status.is_terminal:
            return True
        ticket = Ticket(job=job_id, requester=record.requesters[0].id)
        if not self.lanes.is_turn(lane, ticket):
            return False
        # It also waits for an equal job of another page.
        return (
            record.key is None or self.joinable.take_key(record.key, job_id) == job_id
        )

    def leave_group_at_end(self, group: str, job_id: str) -> None:
        """Take a job out of its group if it has ended: its function does not run.

        A job that waits for its next attempt keeps its place. Idempotent.
        """
        if self.ends.get(job_id) is not None:
            self.groups.leave(group, job_id)

    def leave_group(self, job_id: str) -> None:
        """Take a job out of its group that has ended while it waited. Idempotent."""
        message = self.message(job_id)
        if message is None or message.group is None:
            return
        live = self.live(job_id)
        if live is None or live.record.status is Status.QUEUED:
            self.groups.leave(message.group, job_id)

    def note_receipt(self, job_id: str, receipt: Receipt) -> None:
        """Note which worker has received a job."""
        self.documents.write(_taken(job_id), receipt.to_text())

    def release(self, job_id: str, lease: str, number: int) -> None:
        """Note that the worker of a lease has dropped a job before its begin."""

        def change(text: str | None) -> str:
            receipt = Receipt.from_text(text) if text else None
            return receipt.given_up(lease, number).to_text() if receipt else ""

        self.documents.update(_taken(job_id), change)

    def read(self, job_id: str) -> Record:
        """Return the record of a job. Ends the job if its worker has died.

        Raises:
            KeyError: no such job, or the backend has dropped it.
        """
        (record,) = self.read_all([job_id])
        if record is None:
            raise KeyError(job_id)
        return record

    def read_all(self, job_ids: Sequence[str]) -> list[Record | None]:
        """Do ``read`` for several jobs at once; None for each that is missing."""
        return self._reader.read_all(job_ids)

    def are_live(self, tickets: Sequence[Ticket]) -> list[bool]:
        """Return for each ticket whether its requester waits for a live job."""
        records = self.read_all([ticket.job for ticket in tickets])
        return [
            record is not None and record.is_awaited_by(ticket.requester)
            for record, ticket in zip(records, tickets, strict=True)
        ]

    def _find(self, job_id: str) -> Record | None:
        (record,) = self.read_all([job_id])
        return record

    def join(self, job_id: str, requester: Requester) -> Ticket | None:
        """Add a requester to a job. Atomic where updates are. Idempotent by its id.

        Returns:
            None if the job is missing, has ended, or has lost all its requesters.
        """
        record = self._find(job_id)
        if record is None or not record.is_joinable:
            return None
        ticket = self._requesters.join(record, requester)
        if ticket is not None:
            self.listings.add_owner(record, requester.owner)
        return ticket

    def leave(self, record: Record, requester_id: str) -> bool:
        """Remove a requester from a job, and return whether none is left. Atomic."""
        return self._requesters.leave(record, requester_id)

    def live(self, job_id: str) -> Live | None:
        """Return the job as its worker has written it; None if it has not started."""
        (live,) = self.lives([job_id])
        return live

    def lives(self, job_ids: Sequence[str]) -> list[Live | None]:
        """Return several jobs as their workers have written them."""
        texts = self.documents.read_many([f"{each}.live" for each in job_ids])
        return [Live.from_text(text) if text else None for text in texts]

    def result(self, job_id: str) -> bytes | None:
        """Return the result of a job as JSON text, or None if it has none.

        Raises:
            KeyError: the backend has dropped it.
        """
        end = self.ends.get(job_id)
        if end is None or end.live is None:
            raise KeyError(job_id)
        result = self.documents.read_parts(result_key(end.live), end.live.parts)
        if result is None:
            raise KeyError(job_id)
        return result or None

    def cancel(self, job_id: str) -> Status:
        """Cancel a job, and return how it has ended."""
        return self.end(job_id, Status.CANCELLED)

    def end_attempt(self, live: Live, end: End) -> None:
        """End a running attempt from outside; the job too, if it has no other one."""
        if not self.attempts.end(live, end):
            self.ends.decide(live.record.id, end)

    def send_what_is_due(self) -> None:
        """Send jobs that may run by now, though no page may ask for them."""
        self._waiting_attempts.look_after()
        self.groups.look_after_all()
        self._patrol.look()

    def end(self, job_id: str, status: Status, error: JobError | None = None) -> Status:
        """End a job from outside of its function, and return how it has ended."""
        end = End(status=status, at=time.time(), error=error)
        return self.ends.decide(job_id, end).status

    def expire(self, record: Record) -> Record:
        """End a job that has waited for too long, unless a worker has started it.

        Returns:
            Its record.
        """
        self.begin(Live.expired(new_job_id(), record))
        self.listings.stop_waiting(record)
        return self.read(record.id)

    def begin(self, live: Live, before: str | None = None) -> Live:
        """Start a job unless it has started, and return how it has. Atomic.

        Args:
            live: the job as it is started.
            before: text of its document while it waits for its next attempt; None for
                the first.
        """

        def change(text: str | None) -> str:
            return live.to_text() if text == before or not text else text

        text = self.documents.update(f"{live.record.id}.live", change)
        self.documents.announce(live.record.id)
        return Live.from_text(text)

    def lose(self, record: Record) -> None:
        """End a job that could not be sent, even if the broker has it after all."""
        self.ends.decide(record.id, never_sent(record, time.time()))
        self.listings.stop_waiting(record)


def _taken(job_id: str) -> str:
    return f"{job_id}.taken"


def result_key(live: Live) -> str:
    """Return the key of a job's result."""
    return f"{live.record.id}.result.{live.run}"
