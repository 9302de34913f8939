"""Searches in the job table. Each reads entries of an index, not all jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from ...core.parts import slices
from ...core.records import Record
from ...core.search import Search
from ...core.status import Status
from .database import Database

#: What a part of a list has in common: a task, if it is given, and statuses.
_Part = tuple[str | None, frozenset[Status] | None]


class Searches:
    """Finds and counts jobs.

    Triggers of the schema keep the counts, so that no search has to count rows.

    Args:
        database: has the jobs.
        parse: makes a record of what is stored.
    """

    def __init__(self, database: Database, parse: Callable[[bytes], Record]) -> None:
        self._database = database
        self._parse = parse

    def find(self, search: Search) -> list[Record]:
        """Return the records of the jobs that a search finds, in its order.

        However many jobs there are, it reads as many entries of an index as the search
        leaves out and finds. A search by user reads all jobs of that user.
        """
        if search.statuses == frozenset():
            return []
        if search.owner is not None:
            return self._of_owner(search)
        if search.order.by == "created":
            part = search.task, search.statuses
            is_newest_first = search.order.is_descending
            return self._slice(part, search.start, search.limit, is_newest_first)
        return [
            record
            for part, start, count in slices(
                self._parts(search), search.start, search.limit
            )
            for record in self._slice(part, start, count)
        ]

    def find_and_count(self, search: Search) -> tuple[list[Record], int]:
        """Do ``find`` and ``count``."""
        return self.find(search), self.count(search)

    def count(self, search: Search) -> int:
        """Return how many jobs meet the conditions of a search."""
        condition, values = _conditions(search)
        if search.owner is None:
            source = "coalesce(sum(jobs), 0) FROM tally"
        elif search.task is None and search.statuses is None:
            source = "count(*) FROM owned"
        else:
            source = "count(*) FROM owned CROSS JOIN job USING (n)"
        count: int = self._database.value(
            f"SELECT {source} WHERE {condition}",
            *values,
        )
        return count

    def by_task(self) -> dict[tuple[str, Status], int]:
        """Return how many jobs there are, by task and status."""
        rows = self._database.query(
            "SELECT task, status, sum(jobs) FROM tally WHERE jobs > 0"
            " GROUP BY task, status"
        )
        return {(task, Status(status)): count for task, status, count in rows}

    def queued(self) -> dict[str, int]:
        """Return how many jobs are queued, by the name of their queue."""
        rows = self._database.query(
            "SELECT queue, sum(jobs) FROM tally WHERE jobs > 0 AND status = ?"
            " GROUP BY queue",
            Status.QUEUED.value,
        )
        return dict(rows)

    def _parts(self, search: Search) -> Iterator[tuple[_Part, int]]:
        """Return the tasks, or the statuses, of a search in its order, with counts."""
        found: Counter[str] = Counter()
        for (task, status), count in self.by_task().items():
            if search.task not in (None, task):
                continue
            if search.statuses is None or status in search.statuses:
                found[task if search.order.by == "task" else status.value] += count
        for name in search.order.sorted(found):
            if search.order.by == "task":
                yield (name, search.statuses), found[name]
            else:
                yield (search.task, frozenset({Status(name)})), found[name]

    def _slice(
        self, part: _Part, start: int, count: int, is_newest_first: bool = True
    ) -> list[Record]:
        """Return some jobs of a part, in the order of their creation."""
        task, statuses = part
        order = f"n {'DESC' if is_newest_first else 'ASC'}"
        condition = "1" if task is None else "task = ?"
        values: list[object] = [] if task is None else [task]
        each = sorted(statuses or Status) if task is not None or statuses else [None]
        found, all_values = [], []
        for status in each:
            # No index has several statuses in the order of the jobs.
            both = condition if status is None else f"{condition} AND status = ?"
            found.append(
                f"SELECT n FROM (SELECT n FROM job WHERE {both}"  # noqa: S608
                f" ORDER BY {order} LIMIT ?)"
            )
            all_values += [*values, *([status.value] if status else []), start + count]
        rows = self._database.query(
            "SELECT record FROM job WHERE n IN (SELECT n FROM"  # noqa: S608
            f" ({' UNION ALL '.join(found)}) ORDER BY {order} LIMIT ? OFFSET ?)"
            f" ORDER BY {order}",
            *all_values,
            count,
            start,
        )
        return [self._parse(data) for (data,) in rows]

    def _of_owner(self, search: Search) -> list[Record]:
        condition, values = _conditions(search)
        direction = "DESC" if search.order.is_descending else "ASC"
        by = "" if search.order.by == "created" else f"{search.order.by} {direction}, "
        order = f"{by}n {'DESC' if by else direction}"
        rows = self._database.query(
            "SELECT record FROM job WHERE n IN ("  # noqa: S608
            "SELECT n FROM owned CROSS JOIN job USING (n)"
            f" WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?)"
            f" ORDER BY {order}",
            *values,
            search.limit,
            search.start,
        )
        return [self._parse(data) for (data,) in rows]


def _conditions(search: Search) -> tuple[str, Sequence[object]]:
    """Return SQL for the conditions of a search, and its values."""
    conditions, values = ["1"], []
    if search.owner is not None:
        conditions.append("owned.owner = ?")
        values.append(search.owner)
    if search.task is not None:
        conditions.append("task = ?")
        values.append(search.task)
    if search.statuses is not None:
        marks = ", ".join("?" for _ in search.statuses)
        conditions.append(f"status IN ({marks})")
        values += sorted(status.value for status in search.statuses)
    return " AND ".join(conditions), values
