"""The store of the Celery manager: jobs in documents, each with one writer.

| key           | written by           | holds                                           |
|---------------|----------------------|-------------------------------------------------|
| `<id>.queued` | the submitting server| the record as it was submitted                  |
| `<id>.live`   | the worker           | the record from its start on, and who runs it   |
| `<id>.result` | the worker           | the result, in parts                            |
| `<id>.end`    | any server           | an end that was decided outside of the worker   |
| `<id>`        | Celery               | how the task ended, if it did not return        |

A reader puts them together. An end in `<id>.end` wins over all else: a worker that
finds it there has its writes refused. Two servers that write it at the same moment
have seen the same, but for a cancel.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import celery

from ..exceptions import JobEndedError
from ..jobs import JobError, Record, Status, new_job_id
from .documents import Documents, Fate
from .leases import Leases

#: Characters in one document of a result: even escaped they are less than the 1 MB
#: that memcached takes.
_PART = 128 * 1024

_LIBRARIES = "dash-long-jobs.libraries"
_SECRET = "dash-long-jobs.secret"  # noqa: S105

#: Seconds: more than between a read and a write of another server at the same moment.
_SETTLE = 0.1


@dataclass(frozen=True, kw_only=True)
class Live:
    """A job that a worker has taken up.

    Attributes:
        run: random; a second delivery of the same job has another one.
        worker: the worker's name, for people.
        holder: id of the worker's lease; "" if it has none.
        parts: how many documents the result is in.
        record: where it stands.
    """

    run: str
    worker: str
    holder: str
    parts: int = 0
    record: Record

    def to_text(self) -> str:
        head = {**vars(self)}
        del head["record"]
        return f"{json.dumps(head)}\n{self.record.to_json().decode()}"

    @classmethod
    def from_text(cls, text: str) -> Live:
        head, _, record = text.partition("\n")
        return cls(**json.loads(head), record=Record.from_json(record.encode()))


@dataclass(frozen=True, kw_only=True)
class End:
    """An end that was decided outside of the worker.

    Attributes:
        status: a terminal one.
        at: seconds since the epoch.
        error: why, if it was not asked for.
    """

    status: Status
    at: float
    error: JobError | None = None

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> End:
        fields = json.loads(text)
        error = fields["error"] and JobError(**fields["error"])
        return cls(status=Status(fields["status"]), at=fields["at"], error=error)

    def of(self, record: Record) -> Record:
        """Return the record of a job that ended so, whatever it was when it did."""
        return replace(
            record,
            status=self.status,
            cursor=record.cursor + 1,
            changed=self.at,
            error=self.error,
        )


class CeleryStore:
    """Job records in a Celery result backend.

    Every method raises StoreUnavailableError while the backend does not answer; a
    patient store waits instead.

    Args:
        app: with a result backend.
        patient: as workers are.
    """

    def __init__(self, app: celery.Celery, *, patient: bool = False) -> None:
        self._documents = Documents(app, patient=patient)
        self._leases = Leases(self._documents)

    # For servers

    def submit(self, record: Record) -> None:
        """Keep a job that is about to be published."""
        self._documents.write(_queued(record.id), record.to_json().decode())

    def read(self, job_id: str) -> Record:
        """Return where a job stands. Ends it, if its worker has gone without a word.

        Raises:
            KeyError: no such job, or its record has outlived its time.
        """
        end = self.end_of(job_id)
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

    def end(self, job_id: str, status: Status, error: JobError | None = None) -> End:
        """Decide on a job's end, whatever its worker makes of it."""
        end = End(status=status, at=time.time(), error=error)
        self._documents.write(_end(job_id), end.to_text())
        return end

    def end_of(self, job_id: str) -> End | None:
        """Return the end that was decided outside of the worker, or None."""
        text = self._documents.read(_end(job_id))
        return End.from_text(text) if text else None

    def live(self, job_id: str) -> Live | None:
        """Return what the worker that took a job up says of it, or None."""
        text = self._documents.read(_live(job_id))
        return Live.from_text(text) if text else None

    def result(self, job_id: str) -> bytes | None:
        """Return the result of a job as JSON text, or None if it has none.

        Raises:
            KeyError: it has outlived its time.
        """
        live = self.live(job_id)
        parts = [
            self._documents.read(_part(live, number))
            for number in range(live.parts if live else 0)
        ]
        if None in parts:
            raise KeyError(job_id)
        return "".join(part or "" for part in parts).encode() or None

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

    def claim(self, job_id: str, worker: str, holder: str) -> Live | None:
        """Start a job, or return None: it has ended, or has been started before."""
        if self.end_of(job_id) or self.live(job_id):
            return None
        try:
            record = self._submitted(job_id).start(time.time())
        except KeyError:
            return None
        live = Live(run=new_job_id(), worker=worker, holder=holder, record=record)
        self._documents.write(_live(job_id), live.to_text())
        # Who cancels writes first and reads then, as we do: one sees the other.
        return live if self._is_mine(live) else None

    def change(self, live: Live, record: Record, result: bytes | None = None) -> Live:
        """Replace the record of a job that this worker runs.

        Raises:
            JobEndedError: its end was decided elsewhere, or another worker runs it.
        """
        if not self._is_mine(live):
            raise JobEndedError(f"Job {record.id} is not this worker's any more.")
        text = result.decode() if result else ""
        parts = [text[at : at + _PART] for at in range(0, len(text), _PART)]
        for number, part in enumerate(parts):
            self._documents.write(_part(live, number), part)
        if not set(record.libraries) <= self.libraries():
            known = {*record.libraries, *self.libraries()}
            self._documents.write(_LIBRARIES, json.dumps(sorted(known)))
        live = replace(live, record=record, parts=len(parts))
        self._documents.write(_live(record.id), live.to_text())
        return live

    def _is_mine(self, live: Live) -> bool:
        found = self.live(live.record.id)
        is_same = found is not None and found.run == live.run
        return is_same and self.end_of(live.record.id) is None

    # Both

    def _submitted(self, job_id: str) -> Record:
        text = self._documents.read(_queued(job_id))
        if text is None:
            raise KeyError(job_id)
        return Record.from_json(text.encode())

    def _judge(self, live: Live | None, record: Record) -> End | None:
        """End a job of which Celery says, or its silence, that it goes on no more."""
        fate = self._documents.fate(record.id)
        if fate is not None:
            status, error = _verdict(fate, record)
        elif live is not None and live.holder and self._leases.is_over(live.holder):
            status = Status.LOST
            message = f"Its worker {live.worker} is not heard of any more."
            error = JobError(type="WorkerDied", message=message, task=record.task)
        else:
            return None
        now = self.live(record.id)
        if now is not None and now.record.status.is_terminal:
            return None  # it came to its end while we looked
        return self.end(record.id, status, error)


def _verdict(fate: Fate, record: Record) -> tuple[Status, JobError | None]:
    """Return what becomes of a job whose task Celery has ended."""

    def error(kind: str, message: str) -> JobError:
        return JobError(type=kind, message=message, task=record.task)

    match fate.type:
        case "TaskRevokedError":
            return Status.CANCELLED, None
        case "NotRegistered":
            return Status.FAILED, error(
                "TaskNotFound",
                f"A worker does not know {record.task}. Restart the worker, and see "
                "that it imports the app under the same name.",
            )
        case "WorkerLostError":
            # "Worker exited prematurely: signal 9 (SIGKILL) Job: 0."
            return Status.LOST, error("WorkerDied", fate.message.partition(" Job:")[0])
        case "TimeLimitExceeded":
            message = "It ran for longer than Celery's task_time_limit."
            return Status.TIMED_OUT, error("TimedOut", message)
    return Status.FAILED, error(fate.type, fate.message)


def _queued(job_id: str) -> str:
    return f"{job_id}.queued"


def _live(job_id: str) -> str:
    return f"{job_id}.live"


def _end(job_id: str) -> str:
    return f"{job_id}.end"


def _part(live: Live | None, number: int) -> str:
    assert live is not None
    return f"{live.record.id}.result.{live.run}.{number}"


def _lane(name: str) -> str:
    digest: Any = hashlib.sha256(name.encode()).hexdigest()
    return f"dash-long-jobs.lane.{digest}"
