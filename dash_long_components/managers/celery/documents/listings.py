"""Lists of jobs in a Celery result backend: all jobs, those of a task, of a user."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ....core.health import Health
from ....core.records import Record
from ....core.search import NEWEST, Search
from ....core.status import Status
from .documents import Documents

#: Jobs that are read at once, and ids.
_BATCH, _FEW, _MANY = 100, 5, 1000

#: The list of jobs that no worker has started. A process that dies may leave one in it.
_WAITING = "waiting"

#: The list of jobs that have not ended. The same holds.
_LIVE = "live"

#: Jobs of a list that a search looks at, the newest ones or the oldest. The backend has
#: no index of statuses.
MAX_SEARCHED = 5000

#: Ended jobs whose entries a process remembers.
_REMEMBERED = 4 * MAX_SEARCHED


@dataclass(frozen=True)
class Entry:
    """The parts of a record that a search looks at.

    Attributes:
        id: of the job.
        task: name of the task.
        status: of the job.
        owners: of its requesters.
    """

    id: str
    task: str
    status: Status
    owners: frozenset[str | None]

    @classmethod
    def of(cls, record: Record) -> Entry:
        """Return the entry of a record."""
        owners = frozenset(requester.owner for requester in record.requesters)
        return cls(record.id, record.task, record.status, owners)

    def is_of(self, search: Search) -> bool:
        """Return whether the job meets the conditions of a search."""
        return (
            (search.statuses is None or self.status in search.statuses)
            and (search.task is None or self.task == search.task)
            and (search.owner is None or search.owner in self.owners)
        )


class Listings:
    """The ids of jobs, the newest first.

    A job is stored before it is listed, so one without a record has expired. A list
    keeps it until a process misses its record.

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
        self._ended: dict[str, Entry] = {}

    def add(self, record: Record) -> None:
        """List a job that is about to be sent."""
        keys = [_key(_WAITING), *_keys_of(record)]
        self._documents.list_in(keys, record.id, record.created)

    def keep(self, job_ids: Sequence[str]) -> None:
        """Keep those of several jobs listed that are live, for as long as new ones."""
        for record in self._records(job_ids):
            if record is not None and not record.status.is_terminal:
                self._documents.keep_listed(_keys_of(record), record.id, record.created)

    def add_owner(self, record: Record, owner: str | None) -> None:
        """List a job that a user has joined."""
        if owner is not None:
            self._documents.list_in([_key(f"owner {owner}")], record.id, record.created)

    def search(self, search: Search) -> list[Record]:
        """Return the records of the jobs that a search finds, in its order.

        A search by status, by user and task, or in another order than that of creation
        looks at the newest jobs.
        """
        key = _key(_name_for(search))
        if search.order.by == "created" and not _needs_entries(search):
            return self._read_slice(key, search)
        entries = self._found(key, search)
        if search.order != NEWEST:
            entries = iter(_in_order(list(entries), search))
        last = search.start + search.limit
        job_ids = [it.id for it in itertools.islice(entries, search.start, last)]
        return self._present(key, job_ids)

    def search_and_count(self, search: Search) -> tuple[list[Record], int]:
        """Do ``search``, and return how many jobs meet the conditions; in one scan."""
        key = _key(_name_for(search))
        if not _needs_entries(search):
            # After the search, which removes the expired ones that it meets.
            return self.search(search), self._documents.length(key)
        entries = _in_order(list(self._found(key, search)), search)
        some = entries[search.start : search.start + search.limit]
        return self._present(key, [it.id for it in some]), len(entries)

    def newest(self, count: int, known: Collection[str]) -> list[Entry]:
        """Return what the newest jobs are, the newest first.

        Args:
            count: how many jobs to look at.
            known: jobs to leave out. Where there are only such, there is nothing new.
        """
        key = _key("all")
        found: list[Entry] = []
        start = 0
        for _ in range(0, count, _BATCH):
            job_ids = self._documents.listed(key, start, _BATCH)
            others = [job_id for job_id in job_ids if job_id not in known]
            entries = self.read(others)
            found += entries
            # Those without a record are not in the list any more.
            start += len(job_ids) - len(others) + len(entries)
            if not others or len(job_ids) < _BATCH:
                break
        return found

    def read(self, job_ids: Sequence[str]) -> list[Entry]:
        """Return what jobs are, of which those that have expired are missing."""
        return [Entry.of(record) for record in self._present(_key("all"), job_ids)]

    def _read_slice(self, key: str, search: Search) -> list[Record]:
        """Return so many records of a list; further ones in place of expired ones."""
        found: list[Record] = []
        at, missing, size = search.start, 0, min(_BATCH, search.limit)
        while len(found) < search.limit and missing < MAX_SEARCHED:
            job_ids = self._documents.listed(
                key, at, size, newest_first=search.order.is_descending
            )
            records = self._present(key, job_ids)
            found += records
            missing += len(job_ids) - len(records)
            at += len(records)
            if len(job_ids) < size:
                break
            size = _BATCH
        return found[: search.limit]

    def _found(self, key: str, search: Search) -> Iterator[Entry]:
        return (it for it in self._entries(key, MAX_SEARCHED) if it.is_of(search))

    def _entries(self, key: str, count: int) -> Iterator[Entry]:
        """Return what the newest jobs of a list are. Reads those that have not ended.

        Others do not change any more.
        """
        start = 0
        for looked in range(0, count, _MANY):
            size = min(_MANY, count - looked)
            job_ids = self._documents.listed(key, start, size)
            for at in range(0, len(job_ids), _BATCH):
                entries = self._some_entries(key, job_ids[at : at + _BATCH])
                start += len(entries)
                yield from entries
            if len(job_ids) < size:
                return

    def _some_entries(self, key: str, job_ids: Sequence[str]) -> list[Entry]:
        # Another thread may forget them at any time.
        known = {each: self._ended.get(each) for each in job_ids}
        unknown = [job_id for job_id, entry in known.items() if entry is None]
        for record in self._present(key, unknown):
            known[record.id] = self._remember(record)
        return [entry for entry in known.values() if entry is not None]

    def _present(self, key: str, job_ids: Sequence[str]) -> list[Record]:
        """Return the records that there are. Removes the other jobs from the list."""
        records = self._records(job_ids)
        expired = [
            job_id
            for job_id, record in zip(job_ids, records, strict=True)
            if record is None
        ]
        if expired:
            self._documents.unlist(key, *expired)
        for job_id in expired:
            self._ended.pop(job_id, None)
        return [record for record in records if record is not None]

    def _records(self, job_ids: Sequence[str]) -> list[Record | None]:
        return self._read_all(job_ids) if job_ids else []

    def _remember(self, record: Record) -> Entry:
        entry = Entry.of(record)
        if record.status.is_terminal:
            if len(self._ended) >= _REMEMBERED:
                self._ended.clear()
            self._ended[record.id] = entry
        return entry

    def stop_waiting(self, record: Record) -> None:
        """Note that a job has started, or ended before that. Idempotent."""
        self._documents.unlist(_key(_WAITING), record.id)

    def end(self, job_id: str) -> None:
        """Note that a job has ended. Idempotent."""
        self._documents.unlist(_key(_LIVE), job_id)

    def live(self, count: int, known: Mapping[str, Entry]) -> list[Entry]:
        """Return what live jobs are: those that have started, then those that wait.

        The oldest of both come first. Looks at the oldest live jobs.

        Args:
            count: how many jobs to look at.
            known: live jobs. They are not read again while they wait to start.
        """
        started, waiting = self._started_and_waiting(count)
        found = {
            job_id: known[job_id]
            for job_id in waiting
            if job_id in known and known[job_id].status is Status.QUEUED
        }
        job_ids = [*started, *waiting][:count]
        records = self._records([it for it in job_ids if it not in found])
        found |= {it.id: Entry.of(it) for it in records if it is not None}
        entries = [found[job_id] for job_id in job_ids if job_id in found]
        return [it for it in entries if not it.status.is_terminal]

    def _started_and_waiting(self, count: int) -> tuple[list[str], list[str]]:
        """Return the oldest live jobs that have started, and the oldest that wait.

        Most of those that have started are the oldest ones. Goes on to younger ones
        until it has them all, or has looked at so many.
        """
        for last in range(count, MAX_SEARCHED + count, count):
            waiting, live = self._oldest(_WAITING, last), self._oldest(_LIVE, last)
            waits = {*waiting}  # both lists are in the order of creation
            started = [job_id for job_id in live if job_id not in waits]
            if len(live) < last or len(started) >= count:
                break
            if len(started) >= self.count_live() - self.count_waiting():
                break
        return started, [job_id for job_id in live if job_id in waits]

    def _oldest(self, name: str, count: int) -> list[str]:
        return self._documents.listed(_key(name), 0, count, newest_first=False)

    def count_live(self) -> int:
        """Return how many jobs are live, or have ended a moment ago."""
        return self._documents.length(_key(_LIVE))

    def read_live(self, start: int, count: int) -> int:
        """Read live jobs, from a position on, the oldest first.

        Removes those from the list that have ended, and returns how many it removed.
        """
        job_ids = self._documents.listed(_key(_LIVE), start, count, newest_first=False)
        records = zip(job_ids, self._read_all(job_ids), strict=True)
        ended = [
            it for it, record in records if not record or record.status.is_terminal
        ]
        for job_id in ended:
            self.end(job_id)
        return len(ended)

    def waiting(self, count: int) -> list[str]:
        """Return the ids of the jobs that have waited for longest, longest first.

        All but the first may have begun or ended: a process that dies may leave one in
        the list.
        """
        if self.first_waiting() is None:
            return []
        return self._documents.listed(_key(_WAITING), 0, count, newest_first=False)

    def health(self, problem: str | None) -> Health:
        """Return how many jobs wait, and for how long."""
        waiting = self.count_waiting()
        first = self.first_waiting() if waiting else None
        return Health(
            problem=problem,
            queued=waiting if first else 0,
            oldest_wait=max(0.0, time.time() - first.created) if first else None,
        )

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


def _keys_of(record: Record) -> list[str]:
    """Return the lists that have a job until its end, or longer."""
    owners = {requester.owner for requester in record.requesters}
    names = ["all", _LIVE, f"task {record.task}"]
    names += [f"owner {owner}" for owner in owners if owner is not None]
    return list(map(_key, names))


def _in_order(entries: list[Entry], search: Search) -> list[Entry]:
    """Return entries, of which the newest come first, in the order of a search."""
    order = search.order
    if order.by == "created":
        return entries if order.is_descending else entries[::-1]
    # Equal ones keep their order, whatever the direction.
    return sorted(
        entries,
        key=lambda it: it.task if order.by == "task" else it.status.value,
        reverse=order.is_descending,
    )


def _needs_entries(search: Search) -> bool:
    """Return whether no list has exactly the jobs of a search."""
    is_by_both = search.owner is not None and search.task is not None
    return search.statuses is not None or is_by_both


def _name_for(search: Search) -> str:
    """Return the shortest list that has all jobs of a search."""
    if search.owner is not None:
        return f"owner {search.owner}"
    return "all" if search.task is None else f"task {search.task}"


def _key(name: str) -> str:
    # A name may hold characters that a backend does not accept.
    return f"dash-long-jobs.list.{hashlib.sha256(name.encode()).hexdigest()[:32]}"
