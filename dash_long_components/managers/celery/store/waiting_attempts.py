"""The jobs that wait for their next attempt: workers look after all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ....core.records import Record
from .attempts import Attempts
from .keeper import Keeper

#: Jobs that are read at once.
_BATCH = 100

#: How often workers list all jobs that wait, while the backend stores one of them.
_TIMES = 16


class WaitingAttempts:
    """Sends the next attempt of jobs, and keeps their documents until then.

    The list of these jobs has the time at which a worker reads each one. All workers
    share it, so their number does not add to the cost, nor do jobs that are not due.

    Args:
        attempts: lists them.
        keeper: of the same documents.
        read_all: reads jobs. A reader sends what is due.
        keep_listed: keeps jobs in the lists that have them.
        is_draining: returns whether no attempt may start.
        pause: seconds until a worker reads a job again that it has read. A patrol reads
            it too, and finds lost messages.
        expires: returns the seconds for which the backend stores a document; None for
            ever.
    """

    def __init__(
        self,
        attempts: Attempts,
        keeper: Keeper,
        read_all: Callable[[Sequence[str]], list[Record | None]],
        *,
        keep_listed: Callable[[Sequence[str]], None],
        is_draining: Callable[[], bool],
        pause: float,
        expires: Callable[[], float | None],
    ) -> None:
        self._attempts = attempts
        self._keeper = keeper
        self._read_all = read_all
        self._keep_listed = keep_listed
        self._is_draining = is_draining
        self._pause = pause
        self._expires = expires
        self._keep_at = 0.0

    def look_after(self) -> None:
        """Send the attempts that are due, though no page may ask for their jobs."""
        if not self._is_draining():
            self._send_due()
        self._keep()

    def _send_due(self) -> None:
        now = time.time()
        while job_ids := self._attempts.due(now, _BATCH):
            over, again = [], {}
            for job_id, record in zip(job_ids, self._read_all(job_ids), strict=True):
                if record is None or record.status.is_terminal:
                    over.append(job_id)
                else:
                    # A job that still runs is about to wait, or its entry is stale.
                    again[job_id] = max(record.next_try or 0.0, now + self._pause)
            if over:
                self._attempts.forget(*over)
            if again:
                self._attempts.expect(again)

    def _keep(self) -> None:
        """Keep the documents of all jobs that wait, and their list."""
        expires, now = self._expires(), time.monotonic()
        if expires is None or now < self._keep_at:
            return
        self._keep_at = now + expires / _TIMES
        self._keep_listed(self._keeper.keep_while_live(self._attempts.waiting()))
        self._attempts.keep_listed()
