"""The jobs that wait for their next attempt: workers look after all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import count

from ...core.jobs import Status
from ...core.records import Record
from .attempts import Attempts
from .keeper import Keeper

#: Jobs that are read at once.
_BATCH = 100


class WaitingAttempts:
    """Sends the next attempt of jobs, and keeps their documents until then.

    Args:
        attempts: lists them.
        keeper: of the same documents.
        read_all: reads jobs. A reader sends what is due.
    """

    def __init__(
        self,
        attempts: Attempts,
        keeper: Keeper,
        read_all: Callable[[Sequence[str]], list[Record | None]],
    ) -> None:
        self._attempts = attempts
        self._keeper = keeper
        self._read_all = read_all
        self._due: dict[str, float] = {}

    def look_after(self) -> None:
        """Send the attempts that are due, though no page may ask for their jobs."""
        job_ids = self._attempts.waiting()
        now = time.time()
        self._due = {job_id: self._due.get(job_id, 0.0) for job_id in job_ids}
        due = [job_id for job_id, at in self._due.items() if at <= now]
        for start in count(0, _BATCH):
            batch = due[start : start + _BATCH]
            if not batch:
                break
            for job_id, record in zip(batch, self._read_all(batch), strict=True):
                self._note(job_id, record)
        for job_id in self._keeper.keep_while_live(self._due):
            # The list is a document too.
            self._attempts.expect(job_id, self._due[job_id] or now)

    def _note(self, job_id: str, record: Record | None) -> None:
        # A job that still runs is about to wait, or its list entry is stale.
        if record is None or record.status.is_terminal:
            self._attempts.forget(job_id)
            del self._due[job_id]
        elif record.status is Status.QUEUED:
            self._due[job_id] = record.next_try or 0.0
