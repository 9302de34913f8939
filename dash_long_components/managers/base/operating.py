"""What operators see of a manager: the part that counts jobs and lists workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ...core.overview import Worker
from ...core.records import Record
from ...core.search import Search
from ...core.status import Status
from .job_api import JobApi

#: Jobs that a manager without an index counts: the newest.
_COUNTED = 1000


class Operating(JobApi):
    """Counts jobs, and lists what runs them.

    Every method raises ``StoreError`` when the job store can't be used.
    """

    def look_and_count(self, search: Search) -> tuple[list[Record], int]:
        """Do ``look_for``, and return how many jobs meet the conditions.

        A manager without an index counts the newest 1,000.
        """
        every = replace(search, start=0, limit=_COUNTED)
        return self.look_for(search), len(self.look_for(every))

    def count_jobs(self) -> dict[tuple[str, Status], int]:
        """Return how many jobs have a record, by the name of their task and status.

        Raises:
            StoreError: the job store can't be used.
        """
        found = self.look_for(Search(limit=_COUNTED))
        return dict(Counter((record.task, record.status) for record in found))

    def usual_duration(self, task: str) -> float | None:
        """Return the median of the last runs of a task, in seconds.

        None if it has not run, or the manager does not know.

        Args:
            task: its name, as ``module.function``.

        Raises:
            StoreError: the job store can't be used.
        """
        return self.usual_durations([task])[task]

    def usual_durations(self, tasks: Sequence[str]) -> dict[str, float | None]:
        """Return the ``usual_duration`` of several tasks, by their names.

        Args:
            tasks: their names.

        Raises:
            StoreError: the job store can't be used.
        """
        return dict.fromkeys(tasks)

    def count_queued(self) -> dict[str, int]:
        """Return how many jobs wait, by the name of their queue, as far as is known."""
        return {}

    def workers(self) -> list[Worker]:
        """Return the processes that run jobs, and what they run."""
        return []
