"""What a job is: its statuses, what it is to run and how it may go wrong.

Everything here is pure: no clock, no store, no process.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

#: A property value for the page: ``[component id, property, value]``, JSON data only.
PropUpdate = list[Any]


class Status(str, Enum):
    """Where a job stands. It ends exactly once, in one of the terminal ones."""

    QUEUED = "queued"  #: waits for a free place
    RUNNING = "running"  #: a worker runs its function
    SUCCEEDED = "succeeded"  #: the function returned
    FAILED = "failed"  #: the function raised, or its result can't be sent
    CANCELLED = "cancelled"  #: somebody asked for its end
    TIMED_OUT = "timed_out"  #: it ran for longer than it may
    LOST = "lost"  #: its worker died, or nobody knows it any more
    REJECTED = "rejected"  #: the queue was full

    @property
    def is_terminal(self) -> bool:
        return self not in (Status.QUEUED, Status.RUNNING)


def new_job_id() -> str:
    """Return 128 random bits as 22 URL-safe characters."""
    return secrets.token_urlsafe(16)


class Retrigger(str, Enum):
    """What a new trigger does while a job of the same lane is live."""

    REPLACE = "replace"  #: it cancels the live job
    QUEUE = "queue"  #: its job waits for the live one's end
    PARALLEL = "parallel"  #: its job runs beside the live one
    IGNORE = "ignore"  #: nothing


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """One requester of a job. Several may ask for the same one.

    Attributes:
        job: id of the job.
        requester: tells the requesters of the job apart.
    """

    job: str
    requester: str

    def __str__(self) -> str:
        return f"{self.job}.{self.requester}"

    @classmethod
    def parse(cls, text: str) -> Ticket:
        """Undo ``str``; of any other text comes a ticket that nobody has."""
        job, _, requester = text.partition(".")
        return cls(job=job, requester=requester)


@dataclass(frozen=True, kw_only=True)
class Lane:
    """The jobs of one callback, of one MATCH instance of it, on one page.

    Attributes:
        name: the same for all of them.
        seq: when the page triggered this one: the larger, the later. Requests may
            arrive in another order.
        retrigger: what becomes of the jobs that are live in it.
    """

    name: str
    seq: int
    retrigger: Retrigger


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What ends a job from outside. All in seconds; None for none.

    Attributes:
        timeout: for which it may run.
        cancel_grace: for which it may go on after it was asked to end.
        leave_timeout: without a poll, after which its page is gone and so is it.
    """

    timeout: float | None = None
    cancel_grace: float | None = None
    leave_timeout: float | None = None


@dataclass(frozen=True, kw_only=True)
class JobError:
    """Why a job did not succeed.

    Attributes:
        type: the exception's class name, or what stands for it ("Killed").
        message: one line for people; empty where an exception has no text.
        task: the name of the task, as ``module.function``.
        traceback: the whole traceback; in debug mode only.
    """

    type: str
    message: str
    task: str
    traceback: str | None = None

    @classmethod
    def timed_out(cls, task: str, timeout: float) -> JobError:
        """Return the error of a job that ran for ``timeout`` seconds."""
        message = f"Timed out after {timeout:g} s."
        return cls(type="TimedOut", message=message, task=task)

    @classmethod
    def expired(cls, task: str) -> JobError:
        """Return the error of a job that no worker took within ``queue_timeout``."""
        message = "Expired in the queue: no worker was free in time (queue_timeout)."
        return cls(type="Expired", message=message, task=task)

    @classmethod
    def queue_full(cls, task: str, max_queue: int) -> JobError:
        """Return the error of a job that found ``max_queue`` jobs in the queue."""
        message = f"The queue is full: {max_queue} jobs are waiting (max_queue)."
        return cls(type="QueueFull", message=message, task=task)

    @classmethod
    def not_started(
        cls, task: str, reason: str, traceback: str | None = None
    ) -> JobError:
        """Return the error of a job that could not be submitted."""
        message = f"Could not start: {reason}."
        return cls(type="NotStarted", message=message, task=task, traceback=traceback)

    def to_dict(self) -> dict[str, str]:
        """Return what the page is told: its ``type`` and ``message`` always."""
        optional = {"task": self.task, "traceback": self.traceback}
        return {
            "type": self.type,
            "message": self.message,
            **{name: text for name, text in optional.items() if text},
        }


@dataclass(frozen=True, kw_only=True)
class Caching:
    """How the result of a job is kept for others.

    Attributes:
        key: of what is asked: who has the same gets the same result.
        expire: seconds since its last use after which it goes; None for as long as
            the place where it is kept keeps it.
    """

    key: str
    expire: float | None = None


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a worker needs to run a job; it leaves the store when the job ends.

    Attributes:
        task: key of the task in the registry.
        fingerprint: of the task's source, in the process that submitted the job.
        context: the triggering request as ``internals.describe_trigger`` made it.
        progress: ``[component id, property]`` per progress Output, in flat order.
        variables: context variables of the triggering request, by their place.
        limits: what ends it from outside.
        debug: whether tracebacks may be shown in the browser.
        function: the pickled task, base64, where it can't be imported.
        caching: how its result is kept for others; None if it is not.
    """

    task: str
    fingerprint: str
    context: dict[str, Any]
    progress: list[list[Any]] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    debug: bool = False
    function: str | None = None
    caching: Caching | None = None

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Call:
        fields = json.loads(data)
        caching = fields["caching"]
        return cls(
            **{
                **fields,
                "limits": Limits(**fields["limits"]),
                "caching": None if caching is None else Caching(**caching),
            }
        )
