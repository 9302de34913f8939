"""A watchdog: a thread that ends a job while its function runs in the same process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

import celery

from ....core import attempts
from ....core.limits import LOOK_SHARE, Times, judge
from ....core.status import Status
from ..documents.documents import Documents
from ..documents.job_state import End, Live
from ..store.store import CeleryStore
from ..workers.function_thread import FunctionThread
from ..workers.going_on import going_on
from ..workers.presence import Absence

#: Seconds to wait after an error.
_PAUSE = 1.0


class FunctionWatchdog(FunctionThread):
    """Enforces the limits of a job while its function runs.

    Args:
        app: of the worker.
        store: a patient one.
        live: the job, which has just started.
        kill: ends this process and its descendants; None if the process may have other
            jobs.
    """

    def __init__(
        self,
        app: celery.Celery,
        store: CeleryStore,
        live: Live,
        kill: Callable[[], None] | None,
    ) -> None:
        super().__init__("dash-long-job-watchdog")
        self._store = store
        self._live = live
        self._record = record = live.record
        self._kill = kill
        self._killing = threading.Lock()
        self._times = Times()
        limits = record.limits
        # In a pool of processes Celery's own time limit does it, from another process.
        timeout = attempts.timeout(record)
        if timeout is not None and kill is None:
            self._times = Times(deadline=time.monotonic() + timeout)
        self._absence: Absence | None = None
        if limits.leave_timeout is not None:
            self._absence = Absence(Documents(app), record.id, limits.leave_timeout)

    def __enter__(self) -> None:
        if self._times.deadline is not None or self._absence is not None:
            super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        with self._killing:
            super().__exit__(kind, error, where)

    def watch(self) -> None:
        while not self.over.wait(self._pause()):
            with going_on("The watchdog of a job", _PAUSE):
                if self._is_done():
                    return

    def _is_done(self) -> bool:
        """End the job if it has to end, and return whether it had to."""
        verdict = judge(self._record, self._times, time.monotonic())
        if verdict.status is not None:
            end = End(status=verdict.status, at=time.time(), error=verdict.error)
            self._store.end_attempt(self._live, end)
            return True
        if self._absence is not None and self._absence.has_left():
            self._store.end(self._record.id, Status.CANCELLED)
            self._end()
            return True
        return False

    def _pause(self) -> float:
        now = time.monotonic()
        seconds = max(0.0, judge(self._record, self._times, now).due - now)
        if self._record.limits.leave_timeout is not None:
            seconds = min(seconds, self._record.limits.leave_timeout * LOOK_SHARE)
        return min(seconds, threading.TIMEOUT_MAX)

    def _end(self) -> None:
        if self._kill is None or self.over.wait(self._record.limits.grace):
            return
        # If the function has returned by now, its process may have another job.
        with self._killing:
            if not self.over.is_set():
                self._kill()
