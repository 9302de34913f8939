"""The state of a job as the documents of a Celery result backend hold it.

Everything here is pure: no clock, no backend.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace

from ....core.job_errors import JobError
from ....core.records import Record
from ....core.status import Status
from ....core.versions import from_fields


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A worker, from its start to its end.

    Attributes:
        name: Celery's, for people; the same after a restart.
        lease: id of its lease; another one after a restart.
    """

    name: str
    lease: str

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Worker:
        return from_fields(cls, json.loads(text))


@dataclass(frozen=True, kw_only=True)
class Live:
    """A job that a worker has started.

    Attributes:
        run: random; a second delivery of the same job has another one.
        worker: which worker runs it.
        calls: number of documents that hold its call.
        parts: number of documents that hold its result.
        number: of the message that started it; None if an older version did.
        waits: whether it waits for a workflow, and no worker runs it.
        record: the state of the job.
    """

    run: str
    worker: Worker
    calls: int = 0
    parts: int = 0
    number: int | None = None
    waits: bool = False
    record: Record

    @classmethod
    def expired(cls, run: str, record: Record) -> Live:
        """Return a job that has waited for too long.

        It has no worker, and is stored as if one had started it: so none can.
        """
        return cls(run=run, worker=Worker(name="", lease=""), record=record)

    @property
    def has_expired(self) -> bool:
        """Whether it has waited for too long for its first start."""
        return self.record.status is Status.QUEUED and not self.worker.lease

    def to_text(self) -> str:
        head = {
            "run": self.run,
            "worker": asdict(self.worker),
            "calls": self.calls,
            "parts": self.parts,
            "number": self.number,
            "waits": self.waits,
        }
        return f"{json.dumps(head)}\n{self.record.to_json().decode()}"

    @classmethod
    def from_text(cls, text: str) -> Live:
        head, _, record = text.partition("\n")
        fields = json.loads(head)
        fields["worker"] = from_fields(Worker, fields["worker"])
        fields["record"] = Record.from_json(record.encode())
        return from_fields(cls, fields)


@dataclass(frozen=True, kw_only=True)
class End:
    """The end of a job. The first end that any process writes counts.

    Attributes:
        status: a terminal one.
        at: seconds since the epoch.
        error: why it did not succeed; None if it was cancelled.
        live: the job as its worker ended it; None if another process ended it.
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
        error = from_fields(JobError, fields["error"]) if fields["error"] else None
        return cls(
            status=Status.read(fields["status"]),
            at=fields["at"],
            error=error,
            live=Live.from_text(live) if live else None,
        )

    def of(self, record: Record) -> Record:
        """Return the record of a job after this end."""
        if self.live:
            last = self.live.record
            if record is last:
                return last
            return replace(last, requesters=record.requesters)
        return replace(
            record,
            status=self.status,
            cursor=record.cursor + 1,
            changed=self.at,
            error=self.error,
        )
