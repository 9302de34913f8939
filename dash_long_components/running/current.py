"""The current job: the one that the running code belongs to."""

from __future__ import annotations

import itertools
import logging
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn, TypeVar

from .. import telemetry
from ..core import attempts
from ..core.answers import Answers
from ..core.bars import Bar, Bars
from ..core.checkpoints import Checkpoints
from ..core.lines import last_number
from ..core.log_fields import log_fields, user_hash
from ..core.records import Record
from ..core.retries import asked_pause, is_kind
from ..core.status import Status
from ..core.texts import one_line
from ..exceptions import (
    JobRetry,
    LastAttemptError,
    NoCurrentJobError,
)
from . import part_limits
from .asking import Asking
from .checkpoint import Checkpoint
from .parts import InTurn, PartRunner, map_items
from .reports import Reports, Unread
from .stepping import step_in

#: Seconds for which ``CurrentJob.cancelled`` caches its value.
FRESH = 0.25

T = TypeVar("T")


class CurrentJob:
    """A job, as its own code sees it.

    Attributes:
        id: random, as the manager knows it.
        task: name of the task, as ``module.function``.
        attempt: number of this execution of the job, from 1.
        attempts: number of attempts that the job may have.
        lines: number of lines in its log before this attempt.
        parts: runs its parts.
    """

    map = map_items

    def __init__(
        self,
        record: Record,
        is_cancelled: Callable[[], bool] = lambda: False,
        stored: Checkpoints | None = None,
        parts: PartRunner | None = None,
        answers: Answers | None = None,
    ) -> None:
        """Make the job of the running code. The package does this, not the app.

        Args:
            record: of the job at the start of this attempt.
            is_cancelled: reads whether the job is cancelled. An exception counts as no
                news.
            stored: where its checkpoint is stored; None if it can't have one.
            parts: runs its parts; None for one after the other.
            answers: where the answers to its questions are; None if no one can answer.
        """
        self.id = record.id
        self.task = record.task
        self.attempt = record.attempt
        self.attempts = record.retries.attempts if record.retries else 1
        self.lines = last_number([line for _, line in record.log])
        self.parts: PartRunner = parts or InTurn()
        self._record = record
        self._title: str | None = None
        self._reports: Reports = Unread()
        self._is_cancelled = is_cancelled
        self._cancelled = False
        self._look_at = 0.0
        self._checkpoint = Checkpoint(record, stored)
        self._asking = Asking(record, self._checkpoint, answers)
        self._chance = random.random()  # noqa: S311

    @property
    def title(self) -> str | None:
        """The name of the job for people; None for that of its task.

        Set it, and views, trays and notifications show it:
        ``current_job().title = "data.csv"``.
        """
        return self._title

    @title.setter
    def title(self, value: object) -> None:
        title = one_line(value)
        if title != self._title:
            self._title = title
            self._reports.set_title(title or "")

    @property
    def bars(self) -> Bars:
        """The progress bars of the job."""
        return self._reports.bars

    @property
    def cancelled(self) -> bool:
        """Whether the job is cancelled, at most half a second late.

        Costs next to nothing in a tight loop, and stays True. The manager kills a job
        without ``cancel_grace`` before it can see this.
        """
        now = time.monotonic()
        if not self._cancelled and now >= self._look_at:
            # Before the read, so that other threads do not wait for it.
            self._look_at = now + FRESH
            try:
                self._cancelled = self._is_cancelled()
            except Exception:  # each job store has errors of its own
                return False  # it is not responding: the job goes on
        return self._cancelled

    @property
    def checkpoint(self) -> Any:
        """What the job has saved last, in this attempt or an earlier one, or None.

        A copy of its own each time. None in the parts of the job.
        """
        return None if part_limits.is_in_part() else self._checkpoint.load()

    def save(self, state: Any, *, pickle: bool = False) -> None:
        """Save what the next attempt of the job goes on from, in ``checkpoint``.

        Returns when it is stored, so call it after each step. It is
        the job's alone, and deleted with the job's end. When its worker has to stop,
        for a deployment, the function ends here, and goes on with another worker.

        Args:
            state: JSON data, of 1 MB at most.
            pickle: whether to pickle it, by cloudpickle: any objects then.

        Raises:
            TypeError: it is not JSON serializable.
            ValueError: it is too large.
            JobCancelled: the attempt has ended elsewhere.
            JobHandedOver: the worker has to stop. Let it pass.
            RuntimeError: a part of the job calls this.
        """
        part_limits.check("save()")
        self._checkpoint.save(state, pickle=pickle)

    def track(
        self,
        iterable: Iterable[T],
        total: float | None = None,
        text: str | None = None,
        *,
        checkpoint: bool = False,
    ) -> Iterator[T]:
        """Yield the items of ``iterable``, with a progress bar.

        Nested loops have a bar each. An item is done when the loop takes the next one.

        Args:
            iterable: the items.
            total: number of items; by default ``len(iterable)``, if it has a length.
            text: label of the bar.
            checkpoint: whether to save the number of items that are done, after each.
                Another attempt of the job then skips them. The items have to come in
                the same order. For one loop of a job, which saves nothing else.

        Raises:
            TypeError: ``total`` is not a number, or ``text`` is not text.
            ValueError: ``total`` is less than zero or not finite, or the job's
                checkpoint is not from such a loop.
        """
        bar = Bar.of_loop("track", iterable, total, text)
        if not checkpoint:
            return self.bars.track(iterable, bar)
        return self._track_from_checkpoint(iterable, bar)

    def _track_from_checkpoint(self, iterable: Iterable[T], bar: Bar) -> Iterator[T]:
        done = self.checkpoint
        if done is None:
            done = 0
        if not isinstance(done, int):
            raise ValueError(
                "track(checkpoint=True) goes on from a number of items, but the job "
                f"has saved {done!r}. Use one of track(checkpoint=True) and save()."
            )
        items = itertools.islice(iterable, done, None)
        for number, item in enumerate(self.bars.track(items, bar, done), done + 1):
            yield item
            self.save(number)

    @contextmanager
    def step(self, name: object) -> Iterator[None]:
        """Name the part of the job that the ``with`` block is.

        The page shows the steps as a list, with the time that each takes. A step may
        have steps in it. A step that runs again adds to its time.

        Args:
            name: of the step, one line.

        Raises:
            ValueError: the name is empty.
            JobCancelled: the job is cancelled, and is not killed for it at once.
        """
        text = one_line(name)
        if text is None:
            raise ValueError(f"step() takes the name of a step, not {name!r}.")
        self._reports.bars.check()
        with step_in(self._reports.steps, text):
            yield

    def log(
        self, text: object, level: int = logging.INFO, created: float | None = None
    ) -> None:
        """Add lines to the log that the page shows.

        The log has the last 100 lines, with at most 500 characters each.

        Args:
            text: any object; its ``str`` may have several lines.
            level: a number of ``logging``, such as ``logging.WARNING``. The page marks
                warnings and errors.
            created: seconds since the epoch; by default now.
        """
        self._reports.log(str(text), level, time.time() if created is None else created)

    def ask(
        self,
        text: object,
        choices: Iterable[str] | None = None,
        *,
        default: str | None = None,
        timeout: float | None = None,
    ) -> str:
        """Ask the people whose page shows the job, and return their answer.

        The page shows the question until the first answer. The worker waits, and the
        time counts for the job's ``timeout``. When the worker has to stop, a job that
        has saved a checkpoint goes on from there with another one, and asks again.

        Args:
            text: the question, of 500 characters at most.
            choices: the answers that people may choose from, 20 at most. By default
                they write a text of 1,000 characters at most.
            default: the answer after ``timeout``.
            timeout: seconds to wait at most; None for no limit.

        Raises:
            NoAnswerError: no one has answered in time, and there is no ``default``.
            ValueError: an argument is of the wrong kind, or ``default`` is none of the
                choices.
            JobCancelled: the job is cancelled.
            JobHandedOver: the worker has to stop. Let it pass.
            RuntimeError: a part of the job calls this.
        """
        part_limits.check("ask()")
        return self._asking.ask(self._reports, text, choices, default, timeout)

    @property
    def has_asked(self) -> bool:
        """Whether it has asked people: its result depends on more than its call."""
        return self._asking.has_asked

    def retry(self, reason: object = None, after: float | None = None) -> NoReturn:
        """End this attempt, and try the job again after a pause.

        The job's ``retries=`` says how often that is possible. In its last attempt,
        this raises the exception that is being handled, if there is one.

        Args:
            reason: a line for the job's log; by default the exception that is being
                handled.
            after: the shortest pause, in seconds; by default that of ``backoff=``, or
                of the exception's ``Retry-After``.

        Raises:
            JobRetry: always, if there is a further attempt. Let it pass.
            LastAttemptError: there is none, and no exception is being handled.
        """
        error = sys.exc_info()[1]
        again = JobRetry(one_line(reason) or "", after)
        again.__context__ = error
        if self.pause_after(again, ()) is not None:
            raise again
        if error is not None:
            raise error
        raise LastAttemptError(
            f"retry() was called in attempt {self.attempt} of {self.attempts}"
            f"{f': {again}' if reason else ''}. Allow more with "
            "long_callback(retries=...)."
        )

    def pause_after(
        self, error: BaseException, retry_on: tuple[type[BaseException], ...]
    ) -> float | None:
        """Return the seconds until the next attempt; None if an exception is final.

        Args:
            error: raised by the function.
            retry_on: types of exceptions after which the job is tried again.
        """
        if not is_kind(error, (JobRetry, *retry_on)):
            return None
        now = time.time()
        asked = error.after if isinstance(error, JobRetry) else None
        if asked is None:
            asked = asked_pause(error, now)
        return attempts.pause(self._record, Status.FAILED, now, self._chance, asked)

    def fields(self, status: Status) -> dict[str, str | None]:
        """Return the fields of log records about the job."""
        return log_fields(self.id, self.task, self._record.owner, status)

    def traced(
        self, trace: Mapping[str, str]
    ) -> AbstractContextManager[telemetry.RunSpan]:
        """Trace the run of the job in the block.

        Args:
            trace: of the request that started it.
        """
        attributes = {"job.id": self.id, "job.task": self.task}
        owner, created = self._record.owner, self._record.created
        if owner is not None:
            attributes["job.user"] = user_hash(owner)
        return telemetry.run_span(
            trace, task=self.task, created=created, attributes=attributes
        )

    def report_to(
        self, reports: Reports, title: str | None = None, code: str = ""
    ) -> None:
        """Send the job's reports on their way.

        Args:
            reports: where they go.
            title: with which the job starts.
            code: fingerprint of its function, without which a checkpoint is not good.
        """
        self._reports = reports
        self._title = title
        self._checkpoint.code = code

    def __repr__(self) -> str:
        return f"<CurrentJob {self.id} of {self.task}>"


_current: ContextVar[CurrentJob] = ContextVar("dash_long_components.current_job")


def current_job() -> CurrentJob:
    """Return the job that the calling code belongs to.

    A thread that a job starts needs a copy of the job's context:
    ``threading.Thread(target=contextvars.copy_context().run, args=(function,))``.
    ``asyncio.to_thread`` makes that copy itself.

    Raises:
        NoCurrentJobError: the code runs outside of a job.
    """
    try:
        return _current.get()
    except LookupError:
        raise NoCurrentJobError(
            "current_job() was called outside of a job. Call it in the function of a "
            "long callback. In a thread of such a function, start the thread with "
            "target=contextvars.copy_context().run, args=(function,)."
        ) from None


def find() -> CurrentJob | None:
    """Return the job that the calling code belongs to, or None."""
    return _current.get(None)


@contextmanager
def entered(job: CurrentJob) -> Iterator[None]:
    """Make ``job`` the current one."""
    token = _current.set(job)
    try:
        yield
    finally:
        _current.reset(token)
