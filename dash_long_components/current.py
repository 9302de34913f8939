"""The job that the running code belongs to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .exceptions import NoCurrentJobError

#: Seconds for which ``CurrentJob.cancelled`` takes what it has seen for true.
FRESH = 0.25


class CurrentJob:
    """What the code of a job may know of it.

    Attributes:
        id: random, as the manager knows it.
        task: name of the task, as ``module.function``.
        attempt: which run of the job this is, from 1.

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


@contextmanager
def entered(job: CurrentJob) -> Iterator[None]:
    """Make ``job`` the current one."""
    token = _current.set(job)
    try:
        yield
    finally:
        _current.reset(token)
