"""The job that the running code belongs to."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

from ..core.bars import Bar, Bars
from ..exceptions import NoCurrentJobError

#: Seconds for which ``CurrentJob.cancelled`` takes what it has seen for true.
FRESH = 0.25

T = TypeVar("T")


class CurrentJob:
    """What the code of a job may know of it.

    Attributes:
        id: random, as the manager knows it.
        task: name of the task, as ``module.function``.
        attempt: which run of the job this is, from 1.
        bars: its progress bars.

    Args:
        job_id: its id.
        task: its task's name.
        is_cancelled: looks whether somebody asked for the job's end. What it raises
            counts for no news.
        attempt: which run it is.
    """

    def __init__(
        self,
        job_id: str,
        task: str,
        is_cancelled: Callable[[], bool] = lambda: False,
        attempt: int = 1,
    ) -> None:
        self.id = job_id
        self.task = task
        self.attempt = attempt
        self.bars = Bars(lambda: None)
        self._log: Callable[[str], None] = lambda text: None
        self._is_cancelled = is_cancelled
        self._cancelled = False
        self._look_at = 0.0

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked for the job's end, half a second ago at the latest.

        Costs next to nothing in a tight loop, and stays True. A job without
        ``cancel_grace`` is killed before it can see this.
        """
        now = time.monotonic()
        if not self._cancelled and now >= self._look_at:
            # Before the look: other threads need not wait for it.
            self._look_at = now + FRESH
            try:
                self._cancelled = self._is_cancelled()
            except Exception:
                return False  # the store does not answer now
        return self._cancelled

    def track(
        self,
        iterable: Iterable[T],
        total: float | None = None,
        text: str | None = None,
    ) -> Iterator[T]:
        """Yield the items of ``iterable``, and show in a bar how many are done.

        Loops may be nested: each has a bar of its own. An item is done when the next
        one is asked for.

        Args:
            iterable: what to go through.
            total: how many items there are; by default what ``len()`` says, if
                anything.
            text: what the bar is about.

        Raises:
            TypeError: ``total`` is no number, or ``text`` no text.
            ValueError: ``total`` is less than zero or not finite.
        """
        if total is None:
            total = operator.length_hint(iterable, -1)
        try:
            bar = Bar.parse((0, None if total == -1 else total, text))
        except (TypeError, ValueError) as error:
            raise type(error)(
                "track() takes a number of items as its total, and a text, not "
                f"total={total!r} and text={text!r}."
            ) from None
        return self.bars.track(iterable, bar)

    def log(self, text: object) -> None:
        """Add a line to the log that the page shows, or several lines.

        The last hundred are kept, each cut to 500 characters.
        """
        self._log(str(text))

    def report_to(self, bars: Bars, log: Callable[[str], None]) -> None:
        """Have the job's bars be these, and give its lines to ``log``."""
        self.bars = bars
        self._log = log

    def __repr__(self) -> str:
        return f"<CurrentJob {self.id} of {self.task}>"


_current: ContextVar[CurrentJob] = ContextVar("dash_long_components.current_job")


def current_job() -> CurrentJob:
    """Return the job that the calling code belongs to.

    Threads that a job starts have it if they run in a copy of its context:
    ``threading.Thread(target=contextvars.copy_context().run, args=(function,))``.
    ``asyncio.to_thread`` does that by itself.

    Raises:
        NoCurrentJobError: the code runs in no job.
    """
    try:
        return _current.get()
    except LookupError:
        raise NoCurrentJobError(
            "current_job() was called outside of a job. Call it in the function of a "
            "long callback; in a thread that such a function starts, run the thread's "
            "function by contextvars.copy_context().run(function)."
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
