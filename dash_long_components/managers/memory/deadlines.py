"""Deadlines of jobs that no other process watches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Deadlines:
    """What ends jobs when their time is over: a thread, while there is any to end.

    Args:
        changed: guards all that is here.
        expire: called with the job and the name of what it has come to.
    """

    def __init__(
        self, changed: threading.Condition, expire: Callable[[str, str], None]
    ) -> None:
        self._changed = changed
        self._expire = expire
        self._due: dict[tuple[str, str], float] = {}
        self._thread: threading.Thread | None = None

    def set(self, job_id: str, limit: str, seconds: float | None) -> None:
        """Set one of a job's deadlines, so many seconds from now; None sets none."""
        if seconds is None:
            return
        self._due[job_id, limit] = time.monotonic() + seconds
        self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._watch, name="dash-long-job-deadlines", daemon=True
            )
            self._thread.start()

    def forget(self, job_id: str) -> None:
        """Drop all deadlines of a job."""
        for key in [key for key in self._due if key[0] == job_id]:
            del self._due[key]

    def _watch(self) -> None:
        with self._changed:
            while self._due:
                due, key = min((due, key) for key, due in self._due.items())
                wait = due - time.monotonic()
                if wait > 0:
                    self._changed.wait(wait)
                else:
                    del self._due[key]
                    self._expire(*key)
            self._thread = None
