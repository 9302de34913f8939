"""Jobs: their statuses, their calls and their errors."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any, TypedDict

from .queueing import PLAIN, Scheduling
from .retries import Retries
from .versions import from_fields


class Destination(TypedDict):
    """The page that gets the result of a job, as JSON data.

    Attributes:
        location: path and query of the page.
        view: id of the component that shows the job; None if none does.
        outputs: ``[component id, property]`` of the first Outputs.
    """

    location: str
    view: Any
    outputs: list[list[Any]]


#: A property value for the page: ``[component id, property, value]``, JSON data only.
PropUpdate = list[Any]


class Status(str, Enum):
    """The status of a job. It ends exactly once, with a terminal one."""

    QUEUED = "queued"  #: waits for a free worker
    RUNNING = "running"  #: a worker runs its function
    SUCCEEDED = "succeeded"  #: the function returned
    FAILED = "failed"  #: the function raised, or its result can't be sent
    CANCELLED = "cancelled"  #: its last requester cancelled it
    TIMED_OUT = "timed_out"  #: it reached its ``timeout`` or ``queue_timeout``
    LOST = "lost"  #: its worker died, or its record is gone
    REJECTED = "rejected"  #: the queue was full

    @property
    def is_terminal(self) -> bool:
        return self not in (Status.QUEUED, Status.RUNNING)

    @classmethod
    def read(cls, text: str) -> Status:
        """Return the status that a document has; RUNNING for one of a newer version.

        During a rollout an older process can't tell what such a status means. The page
        goes on polling until a newer process answers.
        """
        return cls(text) if text in cls._value2member_map_ else cls.RUNNING


def new_job_id() -> str:
    """Return 128 random bits as 22 URL-safe characters. The first one is no "-"."""
    # A terminal takes that for an option.
    while (job_id := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return job_id


class Retrigger(str, Enum):
    """The effect of a new trigger while a job of the same lane is live."""

    REPLACE = "replace"  #: cancels the live job
    QUEUE = "queue"  #: waits until the live job has ended
    PARALLEL = "parallel"  #: runs beside the live job
    IGNORE = "ignore"  #: nothing


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """The share of one requester in a job. Several requesters may share a job.

    Attributes:
        job: id of the job.
        requester: id of the requester.
    """

    job: str
    requester: str

    def __str__(self) -> str:
        return f"{self.job}.{self.requester}"

    @classmethod
    def parse(cls, text: str) -> Ticket:
        """Undo ``str``. Any other text becomes a ticket of no job."""
        job, _, requester = text.partition(".")
        return cls(job=job, requester=requester)


@dataclass(frozen=True, kw_only=True)
class Lane:
    """The lane of a new job, and how the job enters it.

    A lane is the jobs of one callback, of one MATCH instance of it, on one page of
    one user.

    Attributes:
        name: of the lane.
        seq: the page numbers its triggers in order. Requests may arrive in another.
        retrigger: what happens to the live jobs of the lane.
    """

    name: str
    seq: int
    retrigger: Retrigger


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits that end a job from outside. All in seconds; None for no limit.

    Attributes:
        timeout: how long its function may run.
        cancel_grace: how long it may go on after a cancel.
        leave_timeout: how long its page may go without a poll.
    """

    timeout: float | None = None
    cancel_grace: float | None = None
    leave_timeout: float | None = None

    @property
    def grace(self) -> float:
        """Seconds that its function may go on after a cancel; 0 without a grace."""
        return self.cancel_grace or 0.0


@dataclass(frozen=True, kw_only=True)
class JobError:
    """Why a job did not succeed.

    Attributes:
        type: the exception's class name, or one of our own ("TimedOut").
        message: for people; empty if the exception has no text.
        task: name of the task, as ``module.function``.
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
    def timed_out_in_all(cls, task: str, timeout: float, attempts: int) -> JobError:
        """Return the error of a job whose attempts took ``timeout`` seconds in all."""
        message = f"Timed out after {timeout:g} s in all, in attempt {attempts}."
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
    def not_stored(cls, task: str, size: int) -> JobError:
        """Return the error of a job whose result of ``size`` bytes has no room."""
        message = (
            f"The result of {size} bytes does not fit into the job store. Return "
            "less, or free space on its disk."
        )
        return cls(type="NotStored", message=message, task=task)

    @classmethod
    def not_writable(cls, task: str) -> JobError:
        """Return the error of a job that prevents its own worker from writing."""
        message = (
            "The result could not be written: the job has limited the size of files "
            "(RLIMIT_FSIZE). Limit a process of its own instead."
        )
        return cls(type="NotStored", message=message, task=task)

    @classmethod
    def not_started(
        cls, task: str, reason: str, traceback: str | None = None
    ) -> JobError:
        """Return the error of a job that could not be submitted."""
        message = f"Could not start: {reason}."
        return cls(type="NotStarted", message=message, task=task, traceback=traceback)

    @classmethod
    def dropped(cls, task: str, reason: str) -> JobError:
        """Return the error of a job that nothing will start any more."""
        return cls(type="NotStarted", message=reason, task=task)

    @property
    def in_one_line(self) -> str:
        """The type and the message, or one of them."""
        return ": ".join(filter(None, (self.type, self.message.partition("\n")[0])))

    def to_dict(self) -> dict[str, str]:
        """Return what the page gets: ``type`` and ``message`` always."""
        optional = {"task": self.task, "traceback": self.traceback}
        return {
            "type": self.type,
            "message": self.message,
            **{name: text for name, text in optional.items() if text},
        }


@dataclass(frozen=True, kw_only=True)
class Caching:
    """How to cache the result of a job.

    Attributes:
        key: of the call. Equal calls have the same key.
        expire: seconds after its last use; None if it does not expire. With
            ``stale_for``, seconds after it was made, while it is fresh.
        stale_for: seconds after that, while pages show it and a job refreshes it; None
            if they show only fresh results.
    """

    key: str
    expire: float | None = None
    stale_for: float | None = None

    @property
    def is_renewed(self) -> bool:
        """Whether each use starts the time again after which the result goes."""
        return self.expire is not None and self.stale_for is None

    @property
    def lifetime(self) -> float | None:
        """Seconds for which a cache keeps the result; None for as long as it likes."""
        if self.expire is None:
            return None
        return self.expire + (self.stale_for or 0.0)


@dataclass(frozen=True, kw_only=True)
class Call:
    """The data that a worker needs to run a job.

    The store deletes it when the job ends.

    Attributes:
        task: key of the task in the registry.
        fingerprint: of the task's source, in the process that submitted the job.
        context: the triggering request as ``internals.describe_trigger`` made it.
        progress: ``[component id, property]`` per progress Output, in flat order.
        variables: context variables of the triggering request, by
            ``module:variable``.
        limits: what ends it from outside.
        scheduling: how it shares workers with other jobs.
        debug: whether the page may show tracebacks.
        error_message: name of the app's function that gives the page a text for an
            exception; None if the page gets the exception itself.
        function: the pickled task, base64, if workers can't import it.
        title: name of the job for people; None for that of its task.
        steps: names of its steps, as far as they are known.
        app: ``AppOrigin.id`` of the app.
        caching: how to cache its result; None not to.
        trace: of the triggering request, from ``telemetry.current_trace``.
        destination: the page that gets its result.
        retries: the attempts that it may have; None for one.
    """

    task: str
    fingerprint: str
    context: dict[str, Any]
    progress: list[list[Any]] = field(default_factory=list)
    variables: dict[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    scheduling: Scheduling = PLAIN
    debug: bool = False
    error_message: str | None = None
    function: str | None = None
    title: str | None = None
    steps: list[str] = field(default_factory=list)
    app: str = ""
    caching: Caching | None = None
    trace: dict[str, str] = field(default_factory=dict)
    destination: Destination | None = None
    retries: Retries | None = None

    @property
    def attempt_timeout(self) -> float | None:
        """The seconds that any attempt may run at most; None without a limit."""
        total = self.retries.total_timeout if self.retries else None
        given = [each for each in (self.limits.timeout, total) if each is not None]
        return min(given, default=None)

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Call:
        """Undo ``to_json``, of other versions of this package too."""
        fields = json.loads(data)
        for name, kind in _PARTS.items():
            if fields.get(name) is not None:
                fields[name] = from_fields(kind, fields[name])
        return from_fields(cls, fields)


#: The parts of a call that are no JSON data.
_PARTS: dict[str, Any] = {
    "limits": Limits,
    "scheduling": Scheduling,
    "caching": Caching,
    "retries": Retries,
}
