"""Snapshots: the result of one read of a job."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .bars import BarJson
from .durations import median
from .job_errors import JobError
from .lines import Line
from .questions import Question
from .status import Status
from .steps import StepJson
from .updates import PropUpdate


@dataclass(frozen=True, kw_only=True)
class Place:
    """The place of a job in the queue.

    Attributes:
        position: 1 is next; 0 between two attempts.
        wait: seconds until the job will start; None if past runs do not tell.
        attempt: number of the next attempt, and how many there may be; None before the
            first, and when its time has come.
    """

    position: int
    wait: float | None
    attempt: tuple[int, int] | None = None

    def differs_from(self, shown: Place) -> bool:
        """Return whether the position or the wait has changed by a tenth or more."""
        steps = abs(self.position - shown.position)
        if steps > 0 and steps * 10 >= shown.position:
            return True
        if self.wait is None or shown.wait is None:
            return self.wait is not shown.wait
        return abs(self.wait - shown.wait) >= max(2.0, shown.wait / 10)


@dataclass(frozen=True, kw_only=True)
class AttemptShown:
    """The attempt of a job that has had another one before.

    Attributes:
        number: of the attempt, from 1.
        total: attempts that the job may have.
        next_try: when it may start, in seconds since the epoch; None if it has started.
    """

    number: int
    total: int
    next_try: float | None = None

    def place(self, now: float) -> Place | None:
        """Return the place of the job while it waits for its time; None after that."""
        if self.next_try is None or self.next_try <= now:
            return None
        return Place(
            position=0, wait=self.next_try - now, attempt=(self.number, self.total)
        )


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The news of a job for one reader: everything newer than its cursor.

    Attributes:
        cursor: what the reader sends next time; unchanged if nothing is new.
        status: of the job.
        created: seconds since the epoch.
        changed: seconds since the epoch, of the last change.
        started: seconds since the epoch; None if the job has not started.
        has_begun: the job is running, and the reader learns of that now.
        estimate: seconds that its task usually takes, if past runs tell; only when
            ``has_begun``.
        durations: seconds that past runs took, together with it.
        place: in the queue, if the manager knows it. It comes with every read, since
            it changes without the job.
        waiting: seconds in the queue so far, while it is queued.
        hint: what people can do about a job that waits for long; "" if it waits for
            other jobs, None if the manager does not know. It comes with every read, as
            ``place`` does.
        elapsed: seconds since its function began, or that it ran for.
        progress: updates of the progress Outputs; None if nothing is new.
        props: updates by ``dash.set_props``, in order.
        bars: all its bars; None if nothing is new.
        steps: all its steps; None if nothing is new.
        log: numbered lines; None if nothing is new.
        title: its name for people; None if nothing is new.
        question: what it asks; None if it waits for no answer. It comes with all news.
        result: Dash's own callback response as JSON text, when the job succeeded.
        load_result: loads the result; None if there is none, or it is there already.
        libraries: component libraries that the result needs.
        files: where a page finds them, as ``{"type": ..., "url": ...}``.
        error: why it ended, if it did not succeed.
        attempt: the current attempt or the next one; None while it is the first. While
            the job waits for it, ``place`` has it too.
    """

    cursor: int
    status: Status
    created: float
    changed: float
    started: float | None = None
    has_begun: bool = False
    estimate: float | None = None
    durations: Sequence[float] = ()
    place: Place | None = None
    waiting: float | None = None
    hint: str | None = None
    elapsed: float | None = None
    progress: list[PropUpdate] | None = None
    props: list[PropUpdate] | None = None
    bars: list[BarJson] | None = None
    steps: list[StepJson] | None = None
    log: list[Line] | None = None
    title: str | None = None
    question: Question | None = None
    result: bytes | None = None
    load_result: Callable[[], bytes | None] | None = None
    libraries: tuple[str, ...] = ()
    files: tuple[dict[str, str], ...] = ()
    error: JobError | None = None
    attempt: AttemptShown | None = None

    def is_news_since(self, cursor: int) -> bool:
        """Return whether a reader that sent this cursor needs the snapshot."""
        changes_by_itself = self.place is not None or self.hint is not None
        return self.cursor > cursor or changes_by_itself

    def between_attempts(self, now: float) -> Snapshot | None:
        """Return the snapshot with its place if the job waits for its next attempt.

        None if it does not, or no longer.
        """
        place = self.attempt and self.attempt.place(now)
        return replace(self, place=place) if place else None

    def outdates(self, shown: Snapshot) -> bool:
        """Return whether a page that shows an older snapshot has to get this one now.

        A place far behind may change by a tenth before that: otherwise each job that
        starts would wake all pages in the queue. The same holds for its wait.
        """
        if self.cursor > shown.cursor or self.hint != shown.hint:
            return True
        if self.place is None or shown.place is None:
            return self.place is not None
        return self.place.differs_from(shown.place)

    def at(self, now: float) -> Snapshot:
        """Return the snapshot with the times that depend on when it is read."""
        if self.status is Status.QUEUED:
            return replace(self, waiting=max(0.0, now - self.created))
        if self.started is None:
            return self
        until = self.changed if self.status.is_terminal else now
        return replace(
            self,
            elapsed=max(0.0, until - self.started),
            question=self.question and self.question.at(now),
        )

    def with_durations(self, durations: Sequence[float]) -> Snapshot:
        """Return the snapshot with what past runs of its task tell, in seconds."""
        return replace(self, durations=durations, estimate=median(durations))

    def with_result(self) -> Snapshot:
        """Return the snapshot with its result.

        Raises:
            KeyError: the record of the job has expired since.
            StoreError: the job store can't be used.
        """
        if self.load_result is None:
            return self
        return replace(self, result=self.load_result(), load_result=None)

    def to_pieces(self) -> list[bytes]:
        """Return the wire format, in pieces: a result is neither parsed nor copied."""
        head: dict[str, Any] = {"cursor": self.cursor, "status": self.status.value}
        if self.waiting is not None:
            head["waiting"] = round(self.waiting, 1)
        if self.hint is not None:
            head["hint"] = self.hint
        if self.place is not None:
            position, wait = self.place.position, self.place.wait
            wait = None if wait is None else round(wait, 1)
            head["queue"] = {"position": position, "wait": wait}
            if self.place.attempt is not None:
                head["queue"]["attempt"] = self.place.attempt
        if self.estimate is not None:
            head["estimate"] = round(self.estimate, 3)
        if self.durations:
            head["durations"] = [float(f"{each:.3g}") for each in self.durations]
        if self.elapsed is not None:
            head["elapsed"] = round(self.elapsed, 3)
        if self.progress:
            head["progress"] = self.progress
        if self.props:
            head["props"] = self.props
        if self.bars is not None:
            head["bars"] = self.bars
        if self.steps is not None:
            head["steps"] = self.steps
        if self.log:
            head["log"] = self.log
        if self.title is not None:
            head["title"] = self.title
        if self.question is not None:
            head["question"] = self.question.to_dict()
        if self.error:
            head["error"] = self.error.to_dict()
        if self.files:
            head["files"] = self.files
        text = json.dumps(head, separators=(",", ":")).encode()
        if self.result is None:
            return [text]
        return [text[:-1], b',"result":', self.result, b"}"]
