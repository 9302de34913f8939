"""The store of the Celery manager: jobs in documents, each with one writer.

=============== ===================== =================================================
key             written by            holds
=============== ===================== =================================================
``<id>.queued`` the server            the record as it was submitted
``<id>.taken``  a worker's main       who has received it
                process
``<id>.live``   the process that runs the record from its start on, and who runs it
                it
``<id>.result`` the same              the result, in parts
``<id>.end``    any server            an end that was decided outside of the worker
``<id>``        Celery                how the task ended, if it did not return
=============== ===================== =================================================

A reader puts them together. What stands in ``<id>.end`` wins over all else: a worker
that finds it there has its writes refused.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import replace

import celery

from ..exceptions import JobEndedError
from ..jobs import Status, new_job_id
from ..records import Record
from .celery_records import End, Live, Worker, worker_died
from .documents import Documents
from .leases import Leases, Tenure

#: Characters in one document of a result: even escaped they are less than the 1 MB
#: that memcached takes.
_PART = 128 * 1024

_LIBRARIES = "dash-long-jobs.libraries"
_SECRET = "dash-long-jobs.secret"  # noqa: S105

#: Seconds: more than between a read and a write of another server at the same moment.
_SETTLE = 0.1


class CeleryStore:
    """Job records in a Celery result backend.

    Every method raises StoreUnavailableError while the backend does not answer; a
    patient store waits instead.

    Args:
        app: with a result backend.
        patient: as those are who have a result to bring home.
    """

    def __init__(self, app: celery.Celery, *, patient: bool = False) -> None:
        self._documents = Documents(app, patient=patient)
        self._impatient = Documents(app)
        self._leases = Leases(self._documents)

    # For servers

    def submit(self, record: Record) -> None:
        """Keep a job that is about to be published."""
        self._documents.write(f"{record.id}.queued", record.to_json().decode())

    def read(self, job_id: str) -> Record:
        """Return where a job stands. Ends it, if its worker has gone without a word.

        Raises:
            KeyError: no such job, or its record has outlived its time.
        """
        end = self._end(job_id)
        live = self.live(job_id)
        record = live.record if live else self._submitted(job_id)
        if end is None and not record.status.is_terminal:
            end = self._judge(live, record)
        return end.of(record) if end else record

    def is_live(self, job_id: str) -> bool:
        """Tell whether a job waits or runs. One that is missing does not."""
        try:
            return not self.read(job_id).status.is_terminal
        except KeyError:
            return False

    def live(self, job_id: str) -> Live | None:
        """Return what the process that started a job says of it, or None."""
        text = self._documents.read(f"{job_id}.live")
        return Live.from_text(text) if text else None

    def result(self, job_id: str) -> bytes | None:
        """Return the result of a job as JSON text, or None if it has none.

        Raises:
            KeyError: it has outlived its time.
        """
        live = self.live(job_id)
        if live is None:
            raise KeyError(job_id)
        parts = []
        for number in range(live.parts):
            part = self._documents.read(_part(live, number))
            if part is None:
                raise KeyError(job_id)
            parts.append(part)
        return "".join(parts).encode() or None

    def cancel(self, job_id: str) -> None:
        """End a job, whatever its worker makes of it."""
        self._put_end(job_id, End(status=Status.CANCELLED, at=time.time()))

    def lane(self, name: str) -> list[tuple[str, int]]:
        """Return id and seq of the live jobs in a lane."""
        text = self._documents.read(_lane(name))
        jobs = json.loads(text) if text else []
        return [(job_id, seq) for job_id, seq in jobs if self.is_live(job_id)]

    def put_lane(self, name: str, jobs: Iterable[tuple[str, int]]) -> None:
        """Say which jobs are live in a lane. The last one to say so is believed."""
        self._documents.write(_lane(name), json.dumps(list(jobs)))

    def secret(self, proposal: str) -> str:
        """Return the secret that all servers share: the proposal, if there is none.

        Two servers may propose at the same moment; so the one that writes looks
        again after others have written too. Asking for it keeps it.
        """
        found = self._documents.read(_SECRET)
        self._documents.write(_SECRET, found or proposal)
        if found is None:
            time.sleep(_SETTLE)
            found = self._documents.read(_SECRET)
        return found or proposal

    def libraries(self) -> frozenset[str]:
        """Return the component libraries that jobs have imported."""
        return frozenset(json.loads(self._documents.read(_LIBRARIES) or "[]"))

    # For workers

    def take(self, job_id: str, worker: Worker) -> None:
        """Note which worker a job was delivered to; it may wait there for its turn."""
        self._documents.write(f"{job_id}.taken", worker.to_text())

    def start(self, job_id: str, worker: Worker) -> Live | None:
        """Start a job, or return None: it has ended, or has been started before."""
        if self._end(job_id) or self.live(job_id):
            return None
        try:
            record = self._submitted(job_id).start(time.time())
        except KeyError:
            return None
        live = Live(run=new_job_id(), worker=worker, record=record)
        self._put_live(live)
        # Who cancels writes first and reads then, as we do: one sees the other.
        return live if self._is_current(live) else None

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
        text = result.decode() if result else ""
        parts = [text[at : at + _PART] for at in range(0, len(text), _PART)]
        for number, part in enumerate(parts):
            self._documents.write(_part(live, number), part)
        if record.libraries:
            known = self.libraries().union(record.libraries)
            self._documents.write(_LIBRARIES, json.dumps(sorted(known)))
        live = replace(live, record=record, parts=len(parts))
        self._put_live(live)
        return live

    def _is_current(self, live: Live) -> bool:
        found = self.live(live.record.id)
        is_same = found is not None and found.run == live.run
        return is_same and self._end(live.record.id) is None

    def _put_live(self, live: Live) -> None:
        self._documents.write(f"{live.record.id}.live", live.to_text())

    # For both

    def _submitted(self, job_id: str) -> Record:
        text = self._documents.read(f"{job_id}.queued")
        if text is None:
            raise KeyError(job_id)
        return Record.from_json(text.encode())

    def _judge(self, live: Live | None, record: Record) -> End | None:
        """End a job that will not go on: Celery says so, or its worker says nothing."""
        fate = self._documents.fate(record.id)
        worker = live.worker if live else self._taken_by(record.id)
        if fate is not None:
            end = fate.end(record, time.time())
        elif worker is not None and self._has_lost(worker, record):
            end = worker_died(worker, record, time.time())
        else:
            return None
        now = self.live(record.id)
        if now is not None and now.record.status.is_terminal:
            return None  # it came to its end while we looked
        self._put_end(record.id, end)
        return end

    def _has_lost(self, worker: Worker, record: Record) -> bool:
        tenure = self._leases.tenure(worker.lease)
        if tenure is Tenure.LEFT:
            # Then Celery has put back on the queue what was only waiting there.
            return record.status is not Status.QUEUED
        return tenure is Tenure.SILENT

    def _taken_by(self, job_id: str) -> Worker | None:
        text = self._documents.read(f"{job_id}.taken")
        return Worker.from_text(text) if text else None

    def _end(self, job_id: str) -> End | None:
        text = self._documents.read(f"{job_id}.end")
        return End.from_text(text) if text else None

    def _put_end(self, job_id: str, end: End) -> None:
        self._documents.write(f"{job_id}.end", end.to_text())


def _part(live: Live, number: int) -> str:
    return f"{live.record.id}.result.{live.run}.{number}"


def _lane(name: str) -> str:
    return f"dash-long-jobs.lane.{hashlib.sha256(name.encode()).hexdigest()}"
