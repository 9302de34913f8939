"""The watchdog: ends jobs at their limits, running and queued ones."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from ...core.limits import Times, judge
from ...core.status import Status
from .clock import Instant
from .slots import Slot
from .store import Store

logger = logging.getLogger("dash_long_components")

#: Seconds between two looks after which this process must have been held up.
STALLED = 5.0

_NEVER = float("inf")


class Watchdog:
    """Tells when a running job must stop, and ends queued ones.

    Args:
        store: where the jobs are.
        code: version of the app's code whose queue it watches.
        can_poll: tells whether a process answers pages.
    """

    def __init__(self, store: Store, code: str, can_poll: Callable[[], bool]) -> None:
        self._store = store
        self._code = code
        self._can_poll = can_poll
        self._ended: dict[str, float] = {}
        self._cancelled: dict[str, float] = {}
        self._reachable_since: float | None = None
        self._looked_at = 0.0
        self._due = _NEVER

    def wait(self, tick: float) -> float:
        """Return the seconds until a running job may have to stop, at most ``tick``.

        Call it after every round of ``must_stop``.
        """
        now = time.monotonic()
        due = self._store.queue.next_try(self._code)
        tick = tick if due is None else min(tick, due)
        seconds = min(tick, max(0.0, self._due - now))
        self._due = _NEVER
        return seconds

    def must_stop(self, job_id: str, slot: Slot) -> bool:
        """Return whether a job's worker must be stopped, by force. Ends what timed out.

        Args:
            job_id: which job.
            slot: that it has.
        """
        try:
            record = self._store.read(job_id)
        except KeyError:
            return True
        now = time.monotonic()
        ended = record.status is not Status.RUNNING
        cancelled = record.cancel_requested
        times = Times(
            deadline=slot.deadline,
            cancelled=self._cancelled.setdefault(job_id, now) if cancelled else None,
            ended=self._ended.setdefault(job_id, now) if ended else None,
        )
        verdict = judge(record, times, now)
        self._due = min(self._due, verdict.due)
        if verdict.error is not None and self._store.dispatching.end_attempt(
            job_id, slot, Status.TIMED_OUT, verdict.error
        ):
            logger.error(
                "A job of the long callback %s has timed out. %s",
                record.task,
                verdict.error.message,
            )
        return verdict.must_stop

    def forget(self, job_id: str) -> None:
        """Forget a job whose worker is gone."""
        self._ended.pop(job_id, None)
        self._cancelled.pop(job_id, None)

    def end_expired(self) -> None:
        """End the jobs that have expired in the queue."""
        self._store.dispatching.expire_queue(self._code, Instant.now())

    def end_left(self) -> None:
        """End the jobs whose pages have left."""
        now = time.monotonic()
        since = self._reachable(now)
        if since is not None:
            for ticket in self._store.requesters.left(since, now):
                self._store.leave(ticket)

    def _reachable(self, now: float) -> float | None:
        """Return since when pages could poll without a break; None if they can't now.

        No server answers a poll while it is down or starts. And a machine that holds up
        this process may hold up the pages' polls too.
        """
        has_stalled = now - self._looked_at > STALLED
        self._looked_at = now
        if not self._can_poll():
            self._reachable_since = None
        elif self._reachable_since is None or has_stalled:
            self._reachable_since = now
        return self._reachable_since
