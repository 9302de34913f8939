"""The attempts of jobs that are tried again: how one ends, and which are due."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count

from ....core import attempts
from ....core.ids import new_job_id
from ....core.records import Record
from ....core.status import Status
from ....exceptions import JobEndedError
from ..documents.documents import Documents
from ..documents.job_state import End, Live
from .keeper import Keeper

#: The list of jobs that wait for their next attempt, by its time.
_WAITING = "dash-long-jobs.attempts"

#: Names that are read from that list at once.
_BATCH = 1000


class Attempts:
    """The attempts of jobs with retries.

    A job has one document for all its attempts (``<id>.live``). Each attempt is a run
    with another id. A process that changes the document of such a job compares the run,
    atomically, so that nothing of an attempt counts after its end.

    Args:
        documents: where to store them.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._keeper = Keeper(documents)

    def end(self, live: Live, end: End) -> bool:
        """End an attempt whose function did not say how it ended.

        Args:
            live: the job, as it was read.
            end: the end of the attempt.

        Returns:
            Whether the job is tried again, or is in another attempt by now. If not, the
            end is that of the job.
        """
        record = live.record
        if record.retries is None or record.status is not Status.RUNNING:
            return False
        now = time.time()
        error = end.error
        pause = attempts.pause(record, end.status, now, random.random())  # noqa: S311
        if pause is None or error is None:
            has_ended = self.change(
                live,
                lambda it: replace(it, record=it.record.end(end.status, now, error)),
            )
            return has_ended is None
        run = new_job_id()
        self._prepare(record.id, now + pause)
        self.change(
            live,
            lambda it: replace(
                it, run=run, record=it.record.try_again(now, pause, error)
            ),
        )
        return True

    def try_again(self, live: Live, record: Record) -> Live | None:
        """Let a job wait for its next attempt: its function has ended this one.

        Args:
            live: the job in its current attempt.
            record: the job as it waits.

        Returns:
            The job as it waits; None if the attempt had ended.
        """
        run = new_job_id()
        self._prepare(record.id, record.next_try or record.changed)
        return self.change(live, lambda it: replace(it, run=run, record=record))

    def _prepare(self, job_id: str, at: float) -> None:
        # Before the job waits, so that none waits that is not in the list. The attempt
        # that has ended may have taken nearly as long as its call is stored.
        self.expect({job_id: at})
        self._keeper.keep([job_id])

    def expect(self, times: Mapping[str, float]) -> None:
        """List jobs that wait for their next attempt, or list them again. Idempotent.

        Args:
            times: when a worker looks at each of them, in seconds since the epoch: at
                first, when the attempt may start.
        """
        self._documents.move(_WAITING, times)

    def due(self, now: float, count: int) -> list[str]:
        """Return jobs of which a worker has to look at the next attempt."""
        return self._documents.listed_until(_WAITING, now, count)

    def change(self, live: Live, make: Callable[[Live], Live]) -> Live | None:
        """Change the document of a job while an attempt of it runs. Atomic.

        Args:
            live: the job in that attempt.
            make: makes the new document of the current one.

        Returns:
            The job after the change; None if the attempt has ended.
        """
        after: Live | None = None

        def change(text: str | None) -> str:
            nonlocal after
            if after is not None and text == after.to_text():
                return text  # the answer to an earlier try was lost
            found = Live.from_text(text) if text else None
            if (
                found is None
                or found.run != live.run
                or found.record.status is not Status.RUNNING
            ):
                raise JobEndedError(f"The attempt of job {live.record.id} has ended.")
            after = make(found)
            return after.to_text()

        try:
            self._documents.update(f"{live.record.id}.live", change)
        except JobEndedError:
            return None
        self._documents.announce(live.record.id)
        return after

    def waiting(self) -> Sequence[str]:
        """Return the jobs that wait for an attempt."""
        found: dict[str, None] = {}
        for start in count(0, _BATCH):
            some = self._documents.listed(_WAITING, start, _BATCH, newest_first=False)
            found |= dict.fromkeys(some)
            if len(some) < _BATCH:
                break
        return [*found]

    def keep_listed(self) -> None:
        """Keep the list of those that wait: it is a document too."""
        self._documents.keep_list(_WAITING)

    def forget(self, *job_ids: str) -> None:
        """Take jobs off the list of those that wait. Idempotent."""
        self._documents.unlist(_WAITING, *job_ids)
