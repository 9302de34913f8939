"""What the parts of a job in a Celery result backend say, and what they say together.

Everything here is pure: no clock, no backend.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from ...core.jobs import JobError, Status
from ...core.records import Record


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker, from its start to its end.

    Attributes:
        name: Celery's, for people; the same after a restart.
        lease: id of its lease, which another one with the same name does not have.
    """

    name: str
    lease: str

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Worker:
        return cls(**json.loads(text))


@dataclass(frozen=True, kw_only=True)
class Live:
    """A job that a worker has started.

    Attributes:
        run: random; a second delivery of the same job has another one.
        worker: who runs it.
        parts: how many documents the result is in.
        record: where it stands.
    """

    run: str
    worker: Worker
    parts: int = 0
    record: Record

    def to_text(self) -> str:
        head = {"run": self.run, "worker": asdict(self.worker), "parts": self.parts}
        return f"{json.dumps(head)}\n{self.record.to_json().decode()}"

    @classmethod
    def from_text(cls, text: str) -> Live:
        head, _, record = text.partition("\n")
        fields = json.loads(head)
        return cls(
            run=fields["run"],
            worker=Worker(**fields["worker"]),
            parts=fields["parts"],
            record=Record.from_json(record.encode()),
        )


@dataclass(frozen=True, kw_only=True)
class End:
    """How a job ended. Of all who would end it, the first one to say so has.

    Attributes:
        status: a terminal one.
        at: seconds since the epoch.
        error: why, if nobody asked for it.
        live: the job as its worker brought it to its end; None if the end was decided
            elsewhere.
    """

    status: Status
    at: float
    error: JobError | None = None
    live: Live | None = None

    def to_text(self) -> str:
        error = asdict(self.error) if self.error else None
        head = {"status": self.status.value, "at": self.at, "error": error}
        live = self.live.to_text() if self.live else ""
        return f"{json.dumps(head)}\n{live}"

    @classmethod
    def from_text(cls, text: str) -> End:
        head, _, live = text.partition("\n")
        fields = json.loads(head)
        error = JobError(**fields["error"]) if fields["error"] else None
        return cls(
            status=Status(fields["status"]),
            at=fields["at"],
            error=error,
            live=Live.from_text(live) if live else None,
        )

    def of(self, record: Record) -> Record:
        """Return the record of a job that ended so, whatever it was when it did."""
        if self.live:
            return replace(self.live.record, requesters=record.requesters)
        return replace(
            record,
            status=self.status,
            cursor=record.cursor + 1,
            changed=self.at,
            error=self.error,
        )


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What Celery itself says of a task that did not return.

    Attributes:
        type: class name of the exception that stands for it.
        message: one line for people.
    """

    type: str
    message: str

    def end(self, record: Record, now: float) -> End:
        """Return what becomes of the job."""
        status, error = self._meaning(record)
        return End(status=status, at=now, error=error)

    def _meaning(self, record: Record) -> tuple[Status, JobError | None]:
        task, timeout = record.task, record.limits.timeout
        if self.type == "TaskRevokedError":
            if self.message == "expired":
                return Status.TIMED_OUT, JobError.expired(task)
            return Status.CANCELLED, None
        if self.type == "TimeLimitExceeded" and timeout is not None:
            return Status.TIMED_OUT, JobError.timed_out(task, timeout)
        status, kind, message = self._words(task)
        return status, JobError(type=kind, message=message, task=task)

    def _words(self, task: str) -> tuple[Status, str, str]:
        match self.type:
            case "NotRegistered":
                return (
                    Status.FAILED,
                    "TaskNotFound",
                    f"A worker does not know {task}. Restart the worker, and see that "
                    "it imports the app under the same name.",
                )
            case "TimeLimitExceeded":
                message = "It ran for longer than Celery's task_time_limit."
                return Status.TIMED_OUT, "TimedOut", message
            case "WorkerLostError":
                # "Worker exited prematurely: signal 9 (SIGKILL) Job: 0."
                return Status.LOST, "WorkerDied", self.message.partition(" Job:")[0]
        return Status.FAILED, self.type, self.message


def worker_died(worker: Worker, record: Record, now: float) -> End:
    """Return what becomes of a job whose worker does not renew its lease any more."""
    did = "had taken it up" if record.status is Status.QUEUED else "ran it"
    error = JobError(
        type="WorkerDied",
        message=f"The worker {worker.name}, which {did}, is not heard of any more.",
        task=record.task,
    )
    return End(status=Status.LOST, at=now, error=error)


def never_sent(record: Record, now: float, why: str) -> End:
    """Return what becomes of a job that has not come to Celery's broker."""
    error = JobError(
        type="NotSent",
        message=f"It was not sent to Celery's broker: {why}",
        task=record.task,
    )
    return End(status=Status.LOST, at=now, error=error)
