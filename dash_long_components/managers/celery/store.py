"""The store of the Celery manager: jobs in documents.

=============== ===================== =================================================
key             written by            holds
=============== ===================== =================================================
``<id>.queued`` the server            the record as it was submitted
``<id>.sent``   the server            that the broker has it
``<id>.taken``  a worker's main       who has received it
                process
``<id>.live``   the process that runs the record from its start on, and who runs it
                it
``<id>.result`` the same              the result, in parts
``<id>.requesters`` any server            who asks for it, once that has changed
``<id>.end``    the first to end it   how it ended: as its worker says, or otherwise
``<id>``        Celery                how the task ended, if it did not return
=============== ===================== =================================================

A reader puts them together. Who is the first to write ``<id>.live`` has started the
job, and who is the first to write ``<id>.end`` has ended it: the writes of any other
are refused.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

import celery

from ...core.durations import median, with_another
from ...core.jobs import JobError, Lane, Status, Ticket, new_job_id
from ...core.records import SMALL, Record
from ...exceptions import JobEndedError
from .documents import Documents
from .lanes import CeleryFlights, CeleryLanes
from .leases import Leases, Tenure
from .parts import End, Fate, Live, Worker, never_sent, worker_died
from .requesters import CeleryRequesters, with_requesters

#: What a reader puts together: of any job, and of one that is known to have started.
_DOCUMENTS = ("end", "live", "requesters", "queued", "sent", "taken")
_AFTER_START = _DOCUMENTS[:3]

#: Jobs that are remembered to have started: most polls ask for one.
_REMEMBERED = 4096

#: Seconds after which a server that has not sent its job has died meanwhile.
_SENDING = 60

_LIBRARIES = "dash-long-jobs.libraries"
_SECRET = "dash-long-jobs.secret"  # noqa: S105


class CeleryStore:
    """Job records in a Celery result backend.

    Every method raises StoreUnavailableError while the backend does not answer; a
    patient store waits instead.

    Attributes:
        lanes: who is live in them.
        flights: what can be joined.

    Args:
        app: with a result backend.
        patient: as those are who have a result to bring home.
    """

    def __init__(self, app: celery.Celery, *, patient: bool = False) -> None:
        self._documents = Documents(app, patient=patient)
        self._impatient = Documents(app)
        self._leases = Leases(self._documents)
        self._requesters = CeleryRequesters(self._documents)
        self._started: set[str] = set()
        self.lanes = CeleryLanes(self._documents, self.are_live)
        self.flights = CeleryFlights(self._documents, self._is_joinable)

    # For servers

    def submit(self, record: Record) -> None:
        """Keep a job that is about to be published."""
        self._documents.write(f"{record.id}.queued", record.to_json().decode())

    def sent(self, job_id: str) -> None:
        """Note that a job was published."""
        self._documents.write(f"{job_id}.sent", "true")

    def read(self, job_id: str) -> Record:
        """Return where a job stands. Ends it, if its worker has gone without a word.

        Raises:
            KeyError: no such job, or its record has outlived its time.
        """
        (record,) = self.read_all([job_id])
        if record is None:
            raise KeyError(job_id)
        return record

    def read_all(self, job_ids: Sequence[str]) -> list[Record | None]:
        """Do ``read`` for several jobs at once, by position. None: one is missing."""
        keys = [
            f"{job_id}.{part}"
            for job_id in job_ids
            for part in (_AFTER_START if job_id in self._started else _DOCUMENTS)
        ]
        texts, fates = self._documents.read_with_fates(keys, job_ids)
        found = dict(zip(keys, texts, strict=True))
        return [
            self._put_together(
                job_id, [found.get(f"{job_id}.{part}") for part in _DOCUMENTS], fate
            )
            for job_id, fate in zip(job_ids, fates, strict=True)
        ]

    def _put_together(
        self, job_id: str, texts: Sequence[str | None], fate: Fate | None
    ) -> Record | None:
        """Return the record that the documents of a job make, or None."""
        end_text, live_text, requesters, queued, sent, taken = texts
        end = End.from_text(end_text) if end_text else None
        worker: Worker | None = None
        if end and end.live:
            record = end.live.record  # the last thing to be written lasts longest
        elif live_text:
            live = _live(live_text)
            record, worker = live.record, live.worker
            self._remember(job_id)
        elif queued:
            record = Record.from_json(queued.encode())
            worker = Worker.from_text(taken) if taken else None
        else:
            return None
        record = with_requesters(record, requesters)
        end = end or self._judge(record, worker, fate, is_sent=sent is not None)
        return end.of(record) if end else record

    def _remember(self, job_id: str) -> None:
        """Note that a job has started: nothing from before will be asked for."""
        if len(self._started) >= _REMEMBERED:
            self._started.clear()
        self._started.add(job_id)

    def are_live(self, tickets: Sequence[Ticket]) -> list[bool]:
        """Tell for each ticket whether its requester waits for a live job."""
        records = self.read_all([ticket.job for ticket in tickets])
        return [
            record is not None and self.is_asked(record, ticket)
            for record, ticket in zip(records, tickets, strict=True)
        ]

    def is_asked(self, record: Record, ticket: Ticket) -> bool:
        """Tell whether somebody who asked for a job still waits for its end."""
        return not record.status.is_terminal and any(
            requester.id == ticket.requester for requester in record.staying
        )

    def _is_joinable(self, job_id: str) -> bool:
        (record,) = self.read_all([job_id])
        return record is not None and record.is_joinable

    def join(self, job_id: str, lane: Lane | None) -> Ticket | None:
        """Add a requester to a job. Atomic, where updates are.

        Returns:
            None if it can't be joined: it is missing, has ended, or all who asked have
            left.
        """
        (record,) = self.read_all([job_id])
        if record is None or not record.is_joinable:
            return None
        return self._requesters.join(record, lane)

    def leave(self, record: Record, requester_id: str) -> bool:
        """Take a requester out of a job, and tell whether nobody is left. Atomic."""
        return self._requesters.leave(record, requester_id)

    def live(self, job_id: str) -> Live | None:
        """Return what the process that started a job says of it, or None."""
        text = self._documents.read(f"{job_id}.live")
        return Live.from_text(text) if text else None

    def result(self, job_id: str) -> bytes | None:
        """Return the result of a job as JSON text, or None if it has none.

        Raises:
            KeyError: it has outlived its time.
        """
        text = self._documents.read(f"{job_id}.end")
        live = End.from_text(text).live if text else None
        if live is None:
            raise KeyError(job_id)
        result = self._documents.read_parts(_result(live), live.parts)
        if result is None:
            raise KeyError(job_id)
        return result or None

    def cancel(self, job_id: str) -> Status:
        """End a job, whatever its worker makes of it, and return how it has ended."""
        return self.end(job_id, Status.CANCELLED)

    def end(self, job_id: str, status: Status, error: JobError | None = None) -> Status:
        """End a job from outside of its function, and return how it has ended."""
        return self._end(job_id, End(status=status, at=time.time(), error=error)).status

    def expire(self, record: Record) -> Record:
        """End a job that has waited for too long, unless a worker has started it now.

        Returns:
            Its record.
        """
        # In the place of a worker, so that none can start it any more.
        nobody = Live(run=new_job_id(), worker=Worker(name="", lease=""), record=record)
        if self._claim(nobody).run == nobody.run:
            self.end(record.id, Status.TIMED_OUT, JobError.expired(record.task))
        return self.read(record.id)

    def lose(self, record: Record, why: str) -> None:
        """End a job that can't be sent; it may have got through nevertheless."""
        self._end(record.id, never_sent(record, time.time(), why))

    def secret(self, proposal: str) -> str:
        """Return the secret that all servers share: the proposal, if there is none.

        Asking for it keeps it.
        """
        return self._documents.update(_SECRET, lambda text: text or proposal)

    def libraries(self) -> frozenset[str]:
        """Return the component libraries that jobs have imported."""
        return frozenset(json.loads(self._documents.read(_LIBRARIES) or "[]"))

    def estimate(self, task: str) -> float | None:
        """Return how long a task usually takes, in seconds; None if it never ran."""
        return median(json.loads(self._documents.read(_durations(task)) or "[]"))

    # For workers

    def take(self, job_id: str, worker: Worker) -> None:
        """Note which worker a job was delivered to; it may wait there for its turn."""
        self._documents.write(f"{job_id}.taken", worker.to_text())

    def is_turn(self, job_id: str, lane: str) -> bool:
        """Tell whether a job that waits in a lane is to wait no more.

        Then others may join it, if they could not because it waited.
        """
        (record,) = self.read_all([job_id])
        if record is None or record.status.is_terminal:
            return True
        ticket = Ticket(job=job_id, requester=record.requesters[0].id)
        if not self.lanes.is_turn(lane, ticket):
            return False
        # Nor does it run beside one of another page that asks the same.
        return record.key is None or self.flights.claim(record.key, job_id) == job_id

    def start(self, job_id: str, worker: Worker) -> Live | None:
        """Start a job, or return None: it has ended, or has been started before."""
        end, live_text, queued = self._documents.read_many(
            [f"{job_id}.end", f"{job_id}.live", f"{job_id}.queued"]
        )
        if end or live_text or queued is None:
            return None
        record = Record.from_json(queued.encode()).start(time.time())
        live = Live(run=new_job_id(), worker=worker, record=record)
        # Again if the backend has lost its answer: then it is we who stand there.
        if live.run != self._claim(live).run:
            return None
        # Who cancels writes first and reads then, as we do: one sees the other.
        return live if self._is_current(live) else None

    def _claim(self, live: Live) -> Live:
        """Return who has started a job: the first one that wanted to."""
        return Live.from_text(
            self._documents.update(
                f"{live.record.id}.live", lambda text: text or live.to_text()
            )
        )

    def has_outside_end(self, job_id: str) -> bool:
        """Tell whether a job's end was decided outside of its worker. Never waits.

        Raises:
            StoreUnavailableError: the backend does not answer.
        """
        return self._impatient.read(f"{job_id}.end") is not None

    def change(self, live: Live, record: Record, result: bytes | None = None) -> Live:
        """Replace the record of a job that this process runs.

        Raises:
            JobEndedError: its end was decided elsewhere, or another process runs it.
        """
        if not self._is_current(live):
            raise JobEndedError(f"Job {record.id} is not this worker's any more.")
        if record.status.is_terminal:
            return self._finish(live, record, result)
        live = replace(live, record=record)
        self._documents.write(f"{record.id}.live", live.to_text())
        return live

    def _finish(self, live: Live, record: Record, result: bytes | None) -> Live:
        text = result.decode() if result else ""
        parts = self._documents.write_parts(_result(live), text)
        if record.libraries:
            self._add_libraries(record.libraries)
        live = replace(live, record=record, parts=parts)
        end = End(status=record.status, at=record.changed, live=live)
        ended = self._end(record.id, end)
        if ended.live is None or ended.live.run != live.run:
            raise JobEndedError(f"Job {record.id} is not this worker's any more.")
        # Last, for nobody waits for this.
        if record.status is Status.SUCCEEDED and record.started is not None:
            self._add_duration(record.task, record.changed - record.started)
        return live

    def _add_duration(self, task: str, seconds: float) -> None:
        self._documents.update(
            _durations(task),
            lambda text: json.dumps(with_another(json.loads(text or "[]"), seconds)),
        )

    def _add_libraries(self, libraries: Iterable[str]) -> None:
        self._documents.update(
            _LIBRARIES,
            lambda text: json.dumps(sorted({*json.loads(text or "[]"), *libraries})),
        )

    def _is_current(self, live: Live) -> bool:
        job_id = live.record.id
        end, text = self._documents.read_many([f"{job_id}.end", f"{job_id}.live"])
        found = Live.from_text(text) if text else None
        return end is None and found is not None and found.run == live.run

    # For both

    def _judge(
        self, record: Record, worker: Worker | None, fate: Fate | None, is_sent: bool
    ) -> End | None:
        """End a job that will not go on: Celery says so, or who has it says nothing."""
        if fate is not None:
            end = fate.end(record, time.time())
        elif worker is not None and self._has_lost(worker, record):
            end = worker_died(worker, record, time.time())
        elif not (is_sent or worker) and time.time() - record.created > _SENDING:
            why = "The server that was to do so has died."
            end = never_sent(record, time.time(), why)
        else:
            return None
        return self._end(record.id, end)

    def _has_lost(self, worker: Worker, record: Record) -> bool:
        tenure = self._leases.tenure(worker.lease)
        if tenure is Tenure.LEFT:
            # Then Celery has put back on the queue what was only waiting there.
            return record.status is not Status.QUEUED
        return tenure is Tenure.SILENT

    def _end(self, job_id: str, end: End) -> End:
        """End a job, unless it has ended, and return how it has."""
        text = self._documents.update(
            f"{job_id}.end", lambda text: text or end.to_text()
        )
        return End.from_text(text)


@functools.lru_cache(maxsize=1024)
def _parse(text: str) -> Live:
    """Return what a text says; most polls read the very text that the last one read."""
    return Live.from_text(text)


def _live(text: str) -> Live:
    return _parse(text) if len(text) < SMALL else Live.from_text(text)


def _result(live: Live) -> str:
    return f"{live.record.id}.result.{live.run}"


def _durations(task: str) -> str:
    return f"dash-long-jobs.durations.{hashlib.sha256(task.encode()).hexdigest()}"
