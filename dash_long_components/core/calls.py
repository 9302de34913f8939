"""Calls: what a worker needs to run a job."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
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
