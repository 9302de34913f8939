"""The attempts of jobs that are tried again: how one ends, and which are due."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from ...core import attempts
from ...core.jobs import Status, new_job_id
from ...core.records import Record
from ...exceptions import JobEndedError
from .documents import Documents
from .job_state import End, Live

#: The list of jobs that wait for their next attempt, by its time.
_WAITING = "dash-long-jobs.attempts"

#: Jobs of that list that a worker looks at at once.
_BATCH = 100


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
        self._expect(record, now + pause)
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
            live: the job in its present attempt.
            record: the job as it waits.

        Returns:
            The job as it waits; None if the attempt had ended.
        """
        run = new_job_id()
        self._expect(record, record.next_try or record.changed)
        return self.change(live, lambda it: replace(it, run=run, record=record))

    def _expect(self, record: Record, at: float) -> None:
        # Before the job waits, so that none waits that is not in the list.
        self._documents.list_in([_WAITING], record.id, at)

    def change(self, live: Live, make: Callable[[Live], Live]) -> Live | None:
        """Change the document of a job while an attempt of it runs. Atomic.

        Args:
            live: the job in that attempt.
            make: makes the new document of the present one.

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

    def due(self) -> Sequence[str]:
        """Return jobs that wait for an attempt, the first due first."""
        return self._documents.listed(_WAITING, 0, _BATCH, newest_first=False)

    def forget(self, job_id: str) -> None:
        """Take a job off the list of those that wait. Idempotent."""
        self._documents.unlist(_WAITING, job_id)
