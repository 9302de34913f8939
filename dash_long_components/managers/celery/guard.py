"""A guard: ends a job from beside its function, in the process that runs it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType

import celery

from ...core.jobs import JobError, Limits, Status
from .presence import QUIET, Absence
from .store import CeleryStore

logger = logging.getLogger("dash_long_components")


class Guard:
    """Watches over a job while its function runs: use it as a context manager.

    Args:
        app: of the worker.
        store: a patient one.
        job_id: which job.
        task: its task's name.
        limits: what ends it.
        kill: ends this process with all that came from it; None where that would end
            other jobs too.
    """

    def __init__(
        self,
        app: celery.Celery,
        store: CeleryStore,
        job_id: str,
        task: str,
        limits: Limits,
        kill: Callable[[], None] | None,
    ) -> None:
        self._store = store
        self._job_id = job_id
        self._task = task
        self._limits = limits
        self._kill = kill
        self._over = threading.Event()
        self._killing = threading.Lock()
        self._deadline = _NEVER
        # A pool of processes has Celery's time limits, which no function can hold up.
        if limits.timeout is not None and kill is None:
            self._deadline = time.monotonic() + limits.timeout
        self._absence: Absence | None = None
        if limits.leave_timeout is not None:
            self._absence = Absence(app, job_id)

    def __enter__(self) -> None:
        if self._deadline < _NEVER or self._absence is not None:
            threading.Thread(
                target=self._watch, name="dash-long-job-guard", daemon=True
            ).start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        with self._killing:
            self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(self._pause()):
            if time.monotonic() >= self._deadline:
                timeout = self._limits.timeout or 0.0
                error = JobError.timed_out(self._task, timeout)
                self._store.end(self._job_id, Status.TIMED_OUT, error)
                return
            if self._has_left():
                self._store.end(self._job_id, Status.CANCELLED)
                self._end()
                return

    def _pause(self) -> float:
        seconds = max(0.0, self._deadline - time.monotonic())
        if self._limits.leave_timeout is not None:
            seconds = min(seconds, self._limits.leave_timeout * QUIET)
        return min(seconds, threading.TIMEOUT_MAX)

    def _has_left(self) -> bool:
        leave_timeout = self._limits.leave_timeout
        if self._absence is None or leave_timeout is None:
            return False
        return self._absence.look() > leave_timeout

    def _end(self) -> None:
        grace = self._limits.cancel_grace or 0.0
        if self._kill is None or self._over.wait(grace):
            return
        # Not when the function has returned by now: its process has another job then.
        with self._killing:
            if not self._over.is_set():
                self._kill()


_NEVER = float("inf")
