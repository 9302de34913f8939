"""Lists of jobs in a Celery result backend: all jobs, those of a task, of a user."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

from ...core.jobs import Status
from ...core.records import Record
from ...core.search import Search
from .documents import Documents

#: Jobs that are read at once.
_BATCH, _FEW = 100, 5

#: The list of jobs that no worker has started. A process that dies may leave one in it.
_WAITING = "waiting"

#: The list of jobs that have not ended. The same holds.
_LIVE = "live"

#: The newest jobs of a list that a search looks at. The backend has no index of
#: statuses.
MAX_SEARCHED = 5000


class Listings:
    """The ids of jobs, the newest first.

    A list may have jobs whose records have expired.

    Args:
        documents: where to store them.
        read_all: returns the records of jobs; None for each that is missing.
    """

    def __init__(
        self,
        documents: Documents,
        read_all: Callable[[Sequence[str]], list[Record | None]],
    ) -> None:
        self._documents = documents
        self._read_all = read_all

    def add(self, record: Record) -> None:
        """List a job that is about to be sent."""
        owners = {requester.owner for requester in record.requesters}
        names = ["all", _WAITING, _LIVE, f"task {record.task}"]
        names += [f"owner {owner}" for owner in owners if owner is not None]
        self._documents.list_in(list(map(_key, names)), record.id, record.created)

    def add_owner(self, record: Record, owner: str | None) -> None:
        """List a job that a user has joined."""
        if owner is not None:
            self._documents.list_in([_key(f"owner {owner}")], record.id, record.created)

    def search(self, search: Search) -> list[Record]:
        """Return the records of the newest jobs that a search finds, newest first."""
        found: list[Record] = []
        for record in self._newest(_key(_name_for(search))):
            if search.finds(record):
                found.append(record)
                if len(found) == search.limit:
                    break
        return found

    def stop_waiting(self, record: Record) -> None:
        """Note that a job has started, or ended before that. Idempotent."""
        self._documents.unlist(_key(_WAITING), record.id)

    def end(self, job_id: str) -> None:
        """Note that a job has ended. Idempotent."""
        self._documents.unlist(_key(_LIVE), job_id)

    def count_live(self) -> int:
        """Return how many jobs are live, or have ended a moment ago."""
        return self._documents.length(_key(_LIVE))

    def read_live(self, start: int, count: int) -> None:
        """Read live jobs, from a position on, the oldest first.

        Removes those from the list that have ended.
        """
        job_ids = self._documents.listed(_key(_LIVE), start, count, newest_first=False)
        for job_id, record in zip(job_ids, self._read_all(job_ids), strict=True):
            if record is None or record.status.is_terminal:
                self.end(job_id)

    def count_waiting(self) -> int:
        """Return how many jobs wait."""
        return self._documents.length(_key(_WAITING))

    def first_waiting(self) -> Record | None:
        """Return the job that waits for longest; None if none waits.

        Removes those from the list that do not wait, in batches until one does.
        """
        key = _key(_WAITING)
        while job_ids := self._documents.listed(key, 0, _FEW, newest_first=False):
            for job_id, record in zip(job_ids, self._read_all(job_ids), strict=True):
                if record is not None and record.status is Status.QUEUED:
                    return record
                self._documents.unlist(key, job_id)
        return None

    def _newest(self, key: str) -> Iterator[Record]:
        for start in range(0, MAX_SEARCHED, _BATCH):
            job_ids = self._documents.listed(key, start, _BATCH)
            yield from (it for it in self._read_all(job_ids) if it is not None)
            if len(job_ids) < _BATCH:
                return


def _name_for(search: Search) -> str:
    """Return the shortest list that has all jobs of a search."""
    if search.owner is not None:
        return f"owner {search.owner}"
    return "all" if search.task is None else f"task {search.task}"


def _key(name: str) -> str:
    # A name may hold characters that a backend does not accept.
    return f"dash-long-jobs.list.{hashlib.sha256(name.encode()).hexdigest()[:32]}"
