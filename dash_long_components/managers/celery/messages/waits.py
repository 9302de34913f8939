"""How long jobs have waited for a worker, by the clock of the process that reads them.

Workers drop jobs that have waited for too long. This is for the time without workers.
"""

from __future__ import annotations

import time

from ....core.queueing import has_expired
from ....core.records import Record
from ....core.status import Status

#: Queued jobs for which a server remembers since when they have waited.
WATCHED = 4096


class Waits:
    """Measures the waits of jobs, each since this process has read the job first.

    Args:
        queue_timeout: seconds that a job may wait; None for no limit.
    """

    def __init__(self, queue_timeout: float | None) -> None:
        self._queue_timeout = queue_timeout
        self._queued_since: dict[str, float] = {}

    def are_over(self, record: Record) -> bool:
        """Return whether a job has waited for its ``queue_timeout``."""
        if self._queue_timeout is None or record.run > 1:
            return False
        if record.status is not Status.QUEUED:
            self._queued_since.pop(record.id, None)
            return False
        now = time.monotonic()
        if record.id not in self._queued_since:
            if len(self._queued_since) >= WATCHED:
                self._queued_since.clear()
            self._queued_since[record.id] = now
        return has_expired(now - self._queued_since[record.id], self._queue_timeout)
