"""The record of a job, and the changes that it may go through."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ..exceptions import JobEndedError
from . import record_fields, requesters
from .bars import BarJson
from .calls import Call, Limits
from .ids import new_job_id
from .job_errors import JobError
from .lines import MAX_LINES, Line, following
from .questions import Asked
from .reports import Report
from .requesters import Requester
from .retries import Retries
from .status import Status
from .steps import StepJson
from .updates import PropUpdate, merge
from .versions import from_fields

#: Bytes of JSON up to which a store caches parsed records.
SMALL = 4096


@dataclass(frozen=True, kw_only=True)
class Record:
    """The live state of a job: one small document, replaced at every change.

    Attributes:
        id: random.
        task: name of the task, for people.
        code: version of the app's code in the process that submitted it.
        requesters: all its requesters, and the last ones that have cancelled.
        key: of its call; equal calls join it by this key. None if no call may.
        limits: what ends it from outside.
        status: of the job.
        cursor: grows with every change.
        created: seconds since the epoch.
        changed: seconds since the epoch, of the last change.
        started: seconds since the epoch; None if it has not started.
        started_at: the cursor at its start.
        cancel_requested: its last requester has cancelled. It can't succeed any more.
        unknown: why its worker does not know the task, while the worker waits for the
            function by value; None otherwise.
        progress: cursor and updates of the latest ``set_progress``.
        props: ``[cursor, update]`` of every property that ``set_props`` set: the last
            value of each, and every Patch since.
        bars: cursor of the last change of its bars, and the bars.
        steps: the same for its steps.
        log: ``[cursor, line]`` of the last lines.
        title: cursor of its change, and the job's name for people.
        asked: what it has asked people; None if nothing, in all its runs.
        libraries: component libraries that its function imported.
        error: why it ended, if it did not succeed.
        retries: the attempts that it may have; None for one.
        attempt: number of the current attempt, or of the next one while the job waits
            for that.
        next_try: when the next attempt may start, in seconds since the epoch; None for
            at once.
        began: seconds since the epoch, of the start of its first attempt.
        handovers: how often its worker has stopped at a checkpoint, so that another
            one goes on.
        newer_status: the status as a newer version has written it, if this version
            does not know it. Then ``status`` is running, and the record can't change.
    """

    id: str
    task: str
    code: str
    requesters: tuple[Requester, ...] = ()
    key: str | None = None
    limits: Limits = field(default_factory=Limits)
    status: Status = Status.QUEUED
    cursor: int = 1
    created: float
    changed: float
    started: float | None = None
    started_at: int = 0
    cancel_requested: bool = False
    unknown: str | None = None
    progress: tuple[int, list[PropUpdate]] | None = None
    props: tuple[tuple[int, PropUpdate], ...] = ()
    bars: tuple[int, list[BarJson]] | None = None
    steps: tuple[int, list[StepJson]] | None = None
    log: tuple[tuple[int, Line], ...] = ()
    title: tuple[int, str] | None = None
    asked: Asked | None = None
    libraries: tuple[str, ...] = ()
    error: JobError | None = None
    retries: Retries | None = None
    attempt: int = 1
    next_try: float | None = None
    began: float | None = None
    handovers: int = 0
    newer_status: str | None = None

    @classmethod
    def of_call(cls, call: Call, *, task: str, code: str, now: float) -> Record:
        """Return the record of a new job.

        Args:
            call: what it runs.
            task: name of its task, for people.
            code: version of the app's code.
            now: seconds since the epoch.
        """
        return cls(
            id=new_job_id(),
            task=task,
            code=code,
            key=call.caching.key if call.caching else None,
            limits=call.limits,
            retries=call.retries,
            title=(0, call.title) if call.title else None,  # pages know it already
            created=now,
            changed=now,
        )

    def start(self, now: float) -> Record:
        """Go from queued to running.

        Raises:
            JobEndedError: the job is not queued.
        """
        if self.status is not Status.QUEUED:
            raise JobEndedError(f"Job {self.id} is {self.status.value}, not queued.")
        return self._changed(
            now,
            status=Status.RUNNING,
            started=now,
            started_at=self.cursor + 1,
            began=self.began or now,
            next_try=None,
        )

    @property
    def run(self) -> int:
        """Number of the present run of its function, from 1, or of the next one.

        An attempt that was handed over has several runs.
        """
        return self.attempt + self.handovers

    def try_again(self, now: float, pause: float, error: JobError) -> Record:
        """Go back to the queue: the attempt has ended, and another one follows.

        Args:
            now: seconds since the epoch.
            pause: seconds until the next attempt may start.
            error: why this one has ended.

        Raises:
            JobEndedError: the job is not running.
        """
        attempts = self.retries.attempts if self.retries else self.attempt
        text = f"Attempt {self.attempt} of {attempts} failed: {error.in_one_line}"
        return self._wait(
            now, text, attempt=self.attempt + 1, next_try=now + pause, bars=[]
        )

    def hand_over(self, now: float) -> Record:
        """Go back to the queue: the worker stops, and another one goes on.

        That is no attempt of its own. A job that was cancelled ends.

        Raises:
            JobEndedError: the job is not running.
        """
        if self.cancel_requested:
            return self.end(Status.CANCELLED, now)
        text = "Its worker stops. Another one goes on from the checkpoint."
        return self._wait(now, text, handovers=self.handovers + 1)

    def _wait(
        self, now: float, text: str, bars: list[BarJson] | None = None, **changes: Any
    ) -> Record:
        """Go from running to queued, with a line in the log."""
        if self.status is not Status.RUNNING:
            raise JobEndedError(f"Job {self.id} is {self.status.value}, not running.")
        line = following([line for _, line in self.log], text, now)
        cursor = self.cursor + 1
        return self._changed(
            now,
            status=Status.QUEUED,
            started=None,
            unknown=None,
            asked=self.asked and Asked(),
            bars=self.bars if bars is None else (cursor, bars),
            log=(*self.log, (cursor, line))[-MAX_LINES:],
            **changes,
        )

    def end_attempt(
        self,
        status: Status,
        now: float,
        pause: float | None,
        error: JobError | None = None,
        libraries: Iterable[str] = (),
    ) -> Record:
        """End the current attempt: try the job again, or end it.

        Args:
            status: how it has ended.
            now: seconds since the epoch.
            pause: from ``attempts.pause``.
            error: why it did not succeed.
            libraries: component libraries that its function imported.

        Raises:
            JobEndedError: the job has ended.
        """
        if pause is None or error is None or self.cancel_requested:
            return self.end(status, now, error, libraries)
        return self.try_again(now, pause, error)

    def of_run(self, run: int) -> Record:
        """Return the record, for a change that comes from a run of its function.

        Raises:
            JobEndedError: the run has ended.
        """
        if run != self.run:
            raise JobEndedError(f"Run {run} of job {self.id} has ended.")
        return self

    def ask_for_function(self, reason: str) -> Record:
        """Ask any server process for the function by value: no news to pages."""
        if self.status is not Status.RUNNING:
            raise JobEndedError(f"Job {self.id} is {self.status.value}, not running.")
        return replace(self, unknown=reason)

    def report(self, now: float, report: Report) -> Record:
        """Add a report of the running function.

        Raises:
            JobEndedError: the job has ended.
        """
        cursor = self.cursor + 1
        changes: dict[str, Any] = {}
        if report.progress is not None:
            changes["progress"] = (cursor, report.progress)
        if report.props:
            changes["props"] = merge(self.props, cursor, report.props)
        if report.bars is not None:
            changes["bars"] = (cursor, report.bars)
        if report.steps is not None:
            changes["steps"] = (cursor, report.steps)
        if report.log:
            log = (*self.log, *((cursor, line) for line in report.log))
            changes["log"] = log[-MAX_LINES:]
        if report.title is not None:
            changes["title"] = (cursor, report.title)
        if report.question is not None:
            asked = self.asked or Asked()
            changes["asked"] = replace(asked, question=report.question or None)
        return self._changed(now, **changes)

    def requester(self, requester_id: str) -> Requester:
        """Return the requester with this id.

        Raises:
            KeyError: there is none.
        """
        for requester in self.requesters:
            if requester.id == requester_id:
                return requester
        raise KeyError(requester_id)

    @property
    def owner(self) -> str | None:
        """The user who started it, as JSON text; None if it belongs to no user."""
        return self.requesters[0].owner if self.requesters else None

    def is_of(self, owner: str) -> bool:
        """Return whether a user has asked for the job."""
        return any(requester.owner == owner for requester in self.requesters)

    def join(self, requester: Requester) -> Record:
        """Add a requester. The others see no change."""
        return replace(self, requesters=requesters.joined(self.requesters, requester))

    def leave(self, requester_id: str, now: float) -> Record:
        """Note that a requester cancels. The last one cancels the job itself.

        Raises:
            KeyError: there is no such requester.
        """
        if self.requester(requester_id).left is not None:
            return self
        rest = requesters.without(self.requesters, requester_id, self.cursor + 1)
        if not requesters.staying(rest):
            return self.request_cancel(now)
        return self._changed(now, requesters=rest)

    @property
    def staying(self) -> list[Requester]:
        """The requesters that have not cancelled."""
        return requesters.staying(self.requesters)

    @property
    def is_live(self) -> bool:
        """Whether the job has not ended, as far as this version can tell."""
        return not (self.status.is_terminal or self.newer_status)

    def is_awaited_by(self, requester_id: str) -> bool:
        """Return whether a requester waits for the end of the job."""
        is_there = any(requester.id == requester_id for requester in self.staying)
        return is_there and not self.status.is_terminal

    @property
    def is_joinable(self) -> bool:
        """Whether the job is live, and a requester waits for its end."""
        return self.is_live and not self.cancel_requested and bool(self.staying)

    def request_cancel(self, now: float) -> Record:
        """Cancel a queued job; mark a running one for its manager to end.

        Raises:
            JobEndedError: the job has ended.
        """
        if self.status is Status.QUEUED:
            return self.end(Status.CANCELLED, now)
        return self._changed(now, cancel_requested=True)

    def end(
        self,
        status: Status,
        now: float,
        error: JobError | None = None,
        libraries: Iterable[str] = (),
    ) -> Record:
        """Go to a terminal status; to ``cancelled`` if a cancel came before.

        Raises:
            JobEndedError: the job has ended.
            ValueError: a job with its status can't end with this one.
        """
        self._check_live()
        if self.cancel_requested:
            status, error = Status.CANCELLED, None
        if status not in _ENDS[self.status]:
            raise ValueError(f"A {self.status.value} job can't be {status.value} next.")
        changes = {"status": status, "error": error, "libraries": tuple(libraries)}
        return self._changed(now, **changes, asked=self.asked and Asked())

    def _check_live(self) -> None:
        if not self.is_live:
            status = self.newer_status or self.status.value
            raise JobEndedError(f"Job {self.id} can't change any more: {status}.")

    def _changed(self, now: float, **changes: Any) -> Record:
        self._check_live()
        return replace(self, cursor=self.cursor + 1, changed=now, **changes)

    def to_json(self) -> bytes:
        # Every report of a job calls this, and asdict() would copy the whole record.
        return json.dumps(vars(self), default=vars, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Record:
        """Undo ``to_json``, of other versions of this package too."""
        return from_fields(cls, record_fields.read(json.loads(data)))


#: The ends that a job may have, by its status.
_ENDS = {
    Status.QUEUED: {
        Status.FAILED,
        Status.CANCELLED,
        Status.TIMED_OUT,
        Status.LOST,
        Status.REJECTED,
    },
    Status.RUNNING: {
        Status.SUCCEEDED,
        Status.FAILED,
        Status.CANCELLED,
        Status.TIMED_OUT,
        Status.LOST,
    },
}
