"""The watchdog: what has to end though its worker goes on, or it has not begun."""

from __future__ import annotations

import logging
import time

from ...core.jobs import Status, Ticket
from ...core.limits import Times, judge
from ..store.clock import Instant
from ..store.store import Store

logger = logging.getLogger("dash_long_components")

#: Seconds between two looks beyond which the dispatcher has been held up.
_HELD_UP = 5.0

_NEVER = float("inf")


class Watchdog:
    """Knows when a running job's time is over, and which queued ones are not to begin.

    Args:
        store: where the jobs are.
        code: version of the app's code whose queue it oversees.
    """

    def __init__(self, store: Store, code: str) -> None:
        self._store = store
        self._code = code
        self._ended: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self._reachable_since: float | None = None
        self._looked_at = 0.0
        self._due = _NEVER

    def wait(self, tick: float) -> float:
        """Return for how many seconds nothing comes to its end, ``tick`` at most.

        To be asked after every round of ``must_end``.
        """
        now = time.monotonic()
        seconds = min(tick, max(0.0, self._due - now))
        self._due = _NEVER
        return seconds

    def must_end(self, job_id: str, deadline: float | None) -> bool:
        """Tell whether a worker that still runs has to be killed.

        Args:
            job_id: which job it runs.
            deadline: by the monotonic clock, or None.
        """
        try:
            record = self._store.read(job_id)
        except KeyError:
            return True
        now = time.monotonic()
        ended, cancelled = record.status.is_terminal, record.cancel_requested
        times = Times(
            deadline=deadline,
            cancelled=self._asked.setdefault(job_id, now) if cancelled else None,
            ended=self._ended.setdefault(job_id, now) if ended else None,
        )
        verdict = judge(record, times, now)
        self._due = min(self._due, verdict.due)
        if verdict.error is not None and self._store.end(
            job_id, Status.TIMED_OUT, verdict.error
        ):
            logger.error(
                "A job of the long callback %s has timed out. %s",
                record.task,
                verdict.error.message,
            )
        return verdict.must_stop

    def forget(self, job_id: str) -> None:
        """Forget about a worker that is gone."""
        self._ended.pop(job_id, None)
        self._asked.pop(job_id, None)

    def end_waiting(self) -> None:
        """End what has waited for too long, and what no page waits for any more."""
        self._store.expire_queue(self._code, Instant.now())
        now = time.monotonic()
        since = self._reachable(now)
        if since is not None:
            for ticket in self._store.presence.left(since, now):
                self._store.leave(Ticket.parse(ticket))

    def _reachable(self, now: float) -> float | None:
        """Return since when pages could reach a server without a break, if they can.

        A server that is away, or starts anew, answers no poll; and a dispatcher that
        was held up may see pages leave that were held up with it.
        """
        held_up = now - self._looked_at > _HELD_UP
        self._looked_at = now
        if not self._store.registry.has_any_client():
            self._reachable_since = None
        elif self._reachable_since is None or held_up:
            self._reachable_since = now
        return self._reachable_since
