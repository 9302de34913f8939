"""The record of a job, the changes it may go through, and what a reader sees of it.

Everything here is pure: no clock, no store, no process.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ..exceptions import JobEndedError
from .jobs import JobError, Limits, PropUpdate, Status
from .lines import MAX_LINES, Line
from .updates import merge

#: A progress bar: ``[value, total, text]``; ``bars`` says more.
Bar = list[Any]

#: Bytes up to which it is worth to remember what the text of a record says.
SMALL = 4096


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a running function has reported since the last time.

    Attributes:
        progress: updates of the progress Outputs, or None if there are none.
        props: updates by ``dash.set_props``, in order.
        bars: all bars that the job has now, or None if they are the same.
        log: new lines of its log, each with its number.
    """

    progress: list[PropUpdate] | None = None
    props: list[PropUpdate] = field(default_factory=list)
    bars: list[Bar] | None = None
    log: list[Line] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a job stands in the queue.

    Attributes:
        position: 1 is next.
        wait: seconds until it will start, or None if that can't be told.
    """

    position: int
    wait: float | None


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What one read of a job shows: everything newer than the reader's cursor.

    Attributes:
        cursor: what the reader sends next time; unchanged if nothing is new.
        status: where the job stands.
        created: seconds since the epoch.
        changed: seconds since the epoch, of the last change.
        started: seconds since the epoch, or None if it has not.
        has_begun: it runs, and the reader learns of that now.
        estimate: seconds that its task usually takes, if that is known; only when it
            has begun.
        place: where it stands in the queue, if that is known; at every read, for it
            changes without the job.
        waiting: seconds for which no worker has taken it up, while it is queued.
        elapsed: seconds since its function began, at its end the last ones.
        progress: updates of the progress Outputs, or None if nothing is new.
        props: updates by ``dash.set_props``, in order.
        bars: all its bars, or None if nothing is new.
        log: lines, each with its number, or None if nothing is new.
        result: Dash's own callback response as JSON text, at the end of a success.
        libraries: component libraries that the result needs.
        files: where a page finds them, as ``{"type": ..., "url": ...}``.
        error: why it ended, if it did not succeed.
    """

    cursor: int
    status: Status
    created: float
    changed: float
    started: float | None = None
    has_begun: bool = False
    estimate: float | None = None
    place: Place | None = None
    waiting: float | None = None
    elapsed: float | None = None
    progress: list[PropUpdate] | None = None
    props: list[PropUpdate] | None = None
    bars: list[Bar] | None = None
    log: list[Line] | None = None
    result: bytes | None = None
    libraries: tuple[str, ...] = ()
    files: tuple[dict[str, str], ...] = ()
    error: JobError | None = None

    def is_news_since(self, cursor: int) -> bool:
        """Tell whether a reader that sent this cursor is to be told of it."""
        return self.cursor > cursor or self.place is not None

    def at(self, now: float) -> Snapshot:
        """Return the snapshot with the times that go by the reader's clock."""
        if self.status is Status.QUEUED:
            return replace(self, waiting=max(0.0, now - self.created))
        if self.started is None:
            return self
        until = self.changed if self.status.is_terminal else now
        return replace(self, elapsed=max(0.0, until - self.started))

    def to_json(self) -> list[bytes]:
        """Return the wire format, in pieces: a result is neither parsed nor copied."""
        head: dict[str, Any] = {"cursor": self.cursor, "status": self.status.value}
        if self.waiting is not None:
            head["waiting"] = round(self.waiting, 1)
        if self.place is not None:
            position, wait = self.place.position, self.place.wait
            wait = None if wait is None else round(wait, 1)
            head["queue"] = {"position": position, "wait": wait}
        if self.estimate is not None:
            head["estimate"] = round(self.estimate, 3)
        if self.elapsed is not None:
            head["elapsed"] = round(self.elapsed, 3)
        if self.progress:
            head["progress"] = self.progress
        if self.props:
            head["props"] = self.props
        if self.bars is not None:
            head["bars"] = self.bars
        if self.log:
            head["log"] = self.log
        if self.error:
            head["error"] = self.error.to_dict()
        if self.files:
            head["files"] = self.files
        text = json.dumps(head, separators=(",", ":")).encode()
        if self.result is None:
            return [text]
        return [text[:-1], b',"result":', self.result, b"}"]


@dataclass(frozen=True, kw_only=True)
class Requester:
    """Who waits for a job. Several may: those who ask the same while it is live.

    Attributes:
        id: tells it from the others of the job.
        lane: name of the lane it asks in; None if in none.
        left: cursor of the job when it cancelled; None while it waits.
    """

    id: str
    lane: str | None = None
    left: int | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """The live state of a job: one small document, replaced at every change.

    Attributes:
        id: what the handle names.
        task: name of the task, for people.
        code: version of the app's code in the process that submitted it.
        requesters: who has asked for it; those who have cancelled too.
        key: under which others may join it; None if nobody may.
        limits: what ends it from outside.
        status: where the job stands.
        cursor: grows with every change.
        created: seconds since the epoch.
        changed: seconds since the epoch, of the last change.
        started: seconds since the epoch, or None if it has not.
        started_at: the cursor of that.
        cancel_requested: somebody asked for its end; it may not succeed any more.
        progress: cursor and updates of the latest ``set_progress``.
        props: ``[cursor, update]`` of every property that ``set_props`` set. A
            property stands here once, or once for each Patch since its last value.
        bars: cursor of the last change of its bars, and the bars.
        log: ``[cursor, line]`` of the last lines.
        libraries: component libraries that its function imported.
        error: why it ended, if it did not succeed.
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
    progress: tuple[int, list[PropUpdate]] | None = None
    props: tuple[tuple[int, PropUpdate], ...] = ()
    bars: tuple[int, list[Bar]] | None = None
    log: tuple[tuple[int, Line], ...] = ()
    libraries: tuple[str, ...] = ()
    error: JobError | None = None

    def start(self, now: float) -> Record:
        """Queued to running."""
        if self.status is not Status.QUEUED:
            raise JobEndedError(f"Job {self.id} is {self.status.value}, not queued.")
        return self._changed(
            now, status=Status.RUNNING, started=now, started_at=self.cursor + 1
        )

    def report(self, now: float, report: Report) -> Record:
        """Take in what the running function reported since the last time."""
        cursor = self.cursor + 1
        changes: dict[str, Any] = {}
        if report.progress is not None:
            changes["progress"] = (cursor, report.progress)
        if report.props:
            changes["props"] = merge(self.props, cursor, report.props)
        if report.bars is not None:
            changes["bars"] = (cursor, report.bars)
        if report.log:
            log = (*self.log, *((cursor, line) for line in report.log))
            changes["log"] = log[-MAX_LINES:]
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

    def join(self, requester: Requester) -> Record:
        """Add somebody who asks for it. That is no news to the others."""
        return replace(self, requesters=(*self.requesters, requester))

    def leave(self, requester_id: str, now: float) -> Record:
        """Take one requester out. The last one asks for the end of the job.

        Raises:
            KeyError: there is no such requester.
        """
        requester = self.requester(requester_id)
        staying = [each for each in self.requesters if each.left is None]
        if requester not in staying:
            return self
        if staying == [requester]:
            return self.request_cancel(now)
        gone = replace(requester, left=self.cursor + 1)
        requesters = tuple(
            gone if each is requester else each for each in self.requesters
        )
        return self._changed(now, requesters=requesters)

    @property
    def is_joinable(self) -> bool:
        """Whether it will end as nobody but its function decides."""
        return not self.status.is_terminal and not self.cancel_requested

    def request_cancel(self, now: float) -> Record:
        """End a queued job; mark a running one for its manager to end."""
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
        """Go to a terminal status. Whoever asked to cancel it first has won.

        Raises:
            JobEndedError: it is in one.
            ValueError: ``status`` is none, or not for a job that stands where it does.
        """
        if self.cancel_requested:
            status, error = Status.CANCELLED, None
        if status not in _ENDS.get(self.status, Status):
            raise ValueError(f"A {self.status.value} job can't be {status.value} next.")
        return self._changed(
            now, status=status, error=error, libraries=tuple(libraries)
        )

    def _changed(self, now: float, **changes: Any) -> Record:
        if self.status.is_terminal:
            raise JobEndedError(f"Job {self.id} has ended: {self.status.value}.")
        return replace(self, cursor=self.cursor + 1, changed=now, **changes)

    def since(self, cursor: int, requester_id: str | None = None) -> Snapshot:
        """Return what changed after ``cursor``, as a requester sees it.

        Raises:
            KeyError: there is no such requester.
        """
        left = None if requester_id is None else self.requester(requester_id).left
        if left is not None:
            return Snapshot(
                cursor=max(cursor, left),
                status=Status.CANCELLED,
                created=self.created,
                changed=self.changed,
            )
        progress, bars = self.progress, self.bars
        is_running = self.status is Status.RUNNING
        return Snapshot(
            cursor=max(cursor, self.cursor),
            status=self.status,
            created=self.created,
            changed=self.changed,
            started=self.started,
            has_begun=is_running and self.started_at > cursor,
            progress=progress[1] if progress and progress[0] > cursor else None,
            props=[update for at, update in self.props if at > cursor] or None,
            bars=bars[1] if bars and bars[0] > cursor else None,
            log=[line for at, line in self.log if at > cursor] or None,
            libraries=self.libraries,
            error=self.error,
        )

    def to_json(self) -> bytes:
        # Every report of a job comes by here, and asdict() copies all that is in it.
        return json.dumps(vars(self), default=vars, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Record:
        fields = json.loads(data)
        fields["requesters"] = tuple(
            Requester(**requester) for requester in fields["requesters"]
        )
        fields["status"] = Status(fields["status"])
        fields["limits"] = Limits(**fields["limits"])
        fields["props"] = tuple((at, update) for at, update in fields["props"])
        fields["log"] = tuple((at, line) for at, line in fields["log"])
        for name in ("progress", "bars"):
            if fields[name] is not None:
                fields[name] = tuple(fields[name])
        fields["libraries"] = tuple(fields["libraries"])
        if fields["error"] is not None:
            fields["error"] = JobError(**fields["error"])
        return cls(**fields)


#: How a job may end, by where it stands. One that has ended is refused elsewhere.
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
