"""The queues of a store: jobs that wait for a worker slot."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ...core.queueing import (
    PLAIN,
    QueuedJob,
    Scheduling,
    Sizes,
    has_expired,
    next_head,
    next_round,
)
from .clock import Instant
from .database import Database
from .schema import KIND

#: Jobs that expire in one transaction: others wait for its end.
_BATCH = 100

#: The jobs for which the order of places is not all: whose scheduling is not ``PLAIN``.
#: The index has the same condition.
_SCHEDULED = (
    f"place IS NOT NULL AND (queue != '{PLAIN.queue}'"
    f" OR priority != {PLAIN.priority} OR concurrency_group IS NOT NULL)"
)

#: The jobs that wait for their first attempt. Only for them is the time in the queue a
#: wait for a worker: ``queue_timeout`` does not apply to a further attempt.
_FIRST = "status = 'queued' AND attempt = 1"

#: A job between two attempts waits for its time, and for the end of its worker.
_READY = (
    "code = ? AND place IS NOT NULL"
    " AND (next_try IS NULL OR next_try <= ?) AND dispatcher IS NULL"
)

_COLUMNS = (
    "id, task, owner, round,"
    " queue, priority, concurrency, max_per_user, concurrency_group"
)


class Queue:
    """The jobs that wait, apart for each version of the app's code.

    Jobs that wait for their turn in a lane, or for the end of an equal one, are queued
    but have no place yet.

    Args:
        database: call what writes in a transaction of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, code: str, job_id: str) -> None:
        """Give a job the last place, and a round if its users share in rounds."""
        self._database.run(
            "UPDATE job SET place = 1 + (SELECT coalesce(max(place), 0) FROM job"
            " WHERE code = ? AND place IS NOT NULL) WHERE id = ?",
            code,
            job_id,
        )
        if self._database.value("SELECT max_per_user FROM job WHERE id = ?", job_id):
            (job,) = self._jobs("id = ?", job_id)
            self._database.run(
                "UPDATE job SET round = ? WHERE id = ?", self._next_round(job), job_id
            )

    def _next_round(self, job: QueuedJob) -> int:
        # Of the jobs that wait, two decide: there may be thousands.
        those = "place IS NOT NULL AND round IS NOT NULL AND queue = ? AND priority = ?"
        shares = job.scheduling.queue, job.scheduling.priority
        first = self._jobs(f"{those} ORDER BY round LIMIT 1", *shares)
        own = self._jobs(
            f"{those} AND owner IS ? ORDER BY round DESC LIMIT 1",
            *shares,
            job.user or None,
        )
        running = self._jobs("dispatcher IS NOT NULL AND round IS NOT NULL")
        return next_round(job, [*first, *own], running)

    def ready(self, code: str) -> str | None:
        """Return the id of the first job that may start now; None if there is none."""
        job_id: str | None = self._database.value(
            f"SELECT id FROM job WHERE {_READY} ORDER BY place LIMIT 1",  # noqa: S608
            code,
            time.time(),
        )
        return job_id

    def next_try(self, code: str) -> float | None:
        """Return the seconds until a job may have its next attempt; None for none."""
        now = time.time()
        due: float | None = self._database.value(
            "SELECT min(next_try) FROM job WHERE code = ? AND place IS NOT NULL"
            " AND next_try > ?",
            code,
            now,
        )
        return None if due is None else due - now

    def first(self, code: str) -> str | None:
        """Return the id of the job in the first place; None if there is none."""
        job_id: str | None = self._database.value(
            "SELECT id FROM job WHERE code = ? AND place IS NOT NULL"
            " ORDER BY place LIMIT 1",
            code,
        )
        return job_id

    def is_empty(self, code: str) -> bool:
        """Return whether no job has a place."""
        return self.first(code) is None

    def is_plain(self, code: str) -> bool:
        """Return whether all jobs with a place start in the order of their places."""
        # Without the hint, SQLite scans the whole queue.
        found = self._database.value(
            "SELECT 1 FROM job INDEXED BY job_scheduled"  # noqa: S608
            f" WHERE code = ? AND {_SCHEDULED} LIMIT 1",
            code,
        )
        return found is None

    def waiting(self, code: str) -> list[QueuedJob]:
        """Return the jobs that may start, in the order of their places."""
        return self._jobs(f"{_READY} ORDER BY place", code, time.time())

    def next(self, code: str, sizes: Sizes) -> str | None:
        """Return the id of the job that starts next; None if none may start now."""
        now = time.time()
        heads = dict(self._heads(code, now))

        def turn(job: QueuedJob) -> int:
            return self._turn(job, heads[job], code, now)

        job = next_head(heads, self.running(), sizes, turn)
        return None if job is None else job.id

    def _heads(self, code: str, now: float) -> Iterator[tuple[QueuedJob, int]]:
        """Yield the first ready job of each kind, with its place."""
        kind = ""
        while row := self._database.one(
            f"SELECT {KIND}, place, {_COLUMNS} FROM job INDEXED BY job_of_kind"  # noqa: S608
            f" WHERE {_READY} AND {KIND} > ? ORDER BY {KIND}, round, place LIMIT 1",
            code,
            now,
            kind,
        ):
            kind, place, *job = row
            yield _queued_job(*job), place

    def _turn(self, job: QueuedJob, place: int, code: str, now: float) -> int:
        """Return the place at which a job starts: that of another, if users share."""
        if job.round is None:
            return place
        those = f"{_READY} AND queue = ? AND priority = ? AND round IS NOT NULL"
        values = code, now, job.scheduling.queue, job.scheduling.priority
        before = self._database.value(
            f"SELECT count(*) FROM job WHERE {those}"  # noqa: S608
            " AND (round < ? OR (round = ? AND place < ?))",
            *(*values, job.round, job.round, place),
        )
        turn: int = self._database.value(
            f"SELECT place FROM job WHERE {those}"  # noqa: S608
            " ORDER BY place LIMIT 1 OFFSET ?",
            *(*values, before),
        )
        return turn

    def running(self) -> list[QueuedJob]:
        """Return the jobs that have a slot, of all code versions."""
        return self._jobs("dispatcher IS NOT NULL")

    def _jobs(self, condition: str, *values: object) -> list[QueuedJob]:
        rows = self._database.query(
            f"SELECT {_COLUMNS} FROM job WHERE {condition}",  # noqa: S608
            *values,
        )
        return [_queued_job(*row) for row in rows]

    def count(self, queue: str | None = None) -> int:
        """Return how many jobs are queued, over all code versions.

        Args:
            queue: its name; None for all queues.
        """
        count: int = self._database.value(
            "SELECT coalesce(sum(jobs), 0) FROM tally WHERE status = 'queued'"
            " AND (? IS NULL OR queue = ?)",
            queue,
            queue,
        )
        return count

    def oldest_wait(self, now: Instant) -> float | None:
        """Return the seconds for which the oldest queued job has waited.

        A job between two attempts has had its first start. None if no other is queued.
        """
        submitted = self._database.one(
            f"SELECT submitted, submitted_wall FROM job WHERE {_FIRST}"  # noqa: S608
            " ORDER BY n LIMIT 1"
        )
        return None if submitted is None else now.since(Instant(*submitted))

    def expired(self, code: str, now: Instant) -> list[str]:
        """Return some jobs that have been queued for their ``queue_timeout``."""
        rows = self._database.query(
            "SELECT id, queue_timeout, submitted, submitted_wall FROM job"  # noqa: S608
            f" WHERE code = ? AND {_FIRST} AND queue_timeout IS NOT NULL"
            " ORDER BY n LIMIT ?",
            code,
            _BATCH,
        )
        return [
            job_id
            for job_id, queue_timeout, *submitted in rows
            if has_expired(now.since(Instant(*submitted)), queue_timeout)
        ]


def _queued_job(
    job_id: str, task: str, owner: str | None, round: int | None, *scheduling: Any
) -> QueuedJob:
    queue, priority, concurrency, max_per_user, group = scheduling
    return QueuedJob(
        id=job_id,
        task=task,
        scheduling=Scheduling(
            queue=queue,
            priority=priority,
            concurrency=concurrency,
            max_per_user=max_per_user,
            group=group,
        ),
        user=owner or "",
        round=round,
    )
