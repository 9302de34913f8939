"""A watchdog in a thread: jobs in memory have no other process that ends them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ...core.calls import Limits
from ...core.records import Record
from ...core.status import Status
from ..store.store import Store
from ..store.watchdog import Watchdog

#: Most seconds between two looks, while there is a job with limits.
_TICK = 0.05


class WatchdogThread:
    """A thread that ends jobs at their limits, and starts their next attempts.

    It runs while there is a job that has limits or retries.

    Args:
        store: where the jobs are.
        code: version of the app's code, of all its jobs.
        changed: guards what happens to jobs; the thread holds it while it looks.
        after_look: called after each look.
    """

    def __init__(
        self,
        store: Store,
        code: str,
        changed: threading.Condition,
        after_look: Callable[[], None],
    ) -> None:
        self._store = store
        self._watchdog = Watchdog(store, code, lambda: True)
        self._changed = changed
        self._after_look = after_look
        self._limited: set[str] = set()
        self._thread: threading.Thread | None = None

    def watch(self, record: Record) -> None:
        """Watch a job from now on, if it has limits or retries."""
        if record.limits == Limits() and record.retries is None:
            return
        self._limited.add(record.id)
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._go_on, name="dash-long-job-limits", daemon=True
            )
            self._thread.start()

    def _go_on(self) -> None:
        with self._changed:
            while self._look():
                self._changed.wait(self._watchdog.wait(_TICK))
            self._thread = None

    def _look(self) -> bool:
        """End what must end. False if no job with limits is live."""
        self._watchdog.end_expired()
        self._watchdog.end_left()
        slots = self._store.slots.all()
        for job_id in list(self._limited):
            if self._store.read(job_id).status.is_terminal:
                self._limited.discard(job_id)
                self._watchdog.forget(job_id)
            elif (slot := slots.get(job_id)) and self._watchdog.must_stop(job_id, slot):
                self._store.dispatching.end_attempt(job_id, slot, Status.CANCELLED)
        self._after_look()
        return bool(self._limited)
