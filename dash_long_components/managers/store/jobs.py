"""The job table: a row for each job, and its record in it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...core.calls import Call
from ...core.queueing import PLAIN, Scheduling
from ...core.records import SMALL, Record
from .clock import Instant
from .database import Database
from .kept import KeptCalls
from .searches import Searches

#: Records that a process keeps parsed: of as many jobs as may have waiting pages.
_PARSED = 8192

#: Jobs of which all rows are deleted in one transaction: others wait for its end.
_BATCH = 100


class Jobs:
    """The rows of all jobs, with their calls and results.

    Attributes:
        searches: find and count jobs.
        kept: the calls of jobs that can be retried.

    Args:
        database: call what writes in a transaction of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._parsed: dict[bytes, Record] = {}
        self.searches = Searches(database, self._parse)
        self.kept = KeptCalls(database)

    def add(
        self,
        record: Record,
        now: Instant,
        queue_timeout: float | None = None,
        scheduling: Scheduling = PLAIN,
    ) -> None:
        """Add a job, to the jobs of its users too."""
        self._database.run(
            "INSERT INTO job (id, code, task, key, status, owner, queue, priority,"
            " concurrency, max_per_user, concurrency_group, queue_timeout, submitted,"
            " submitted_wall, ended, ended_wall, record)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            record.id,
            record.code,
            record.task,
            record.key,
            record.status.value,
            record.owner,
            scheduling.queue,
            scheduling.priority,
            scheduling.concurrency,
            scheduling.max_per_user,
            scheduling.group,
            queue_timeout,
            now.monotonic,
            now.wall,
            *_end_of(record, now),
            self._dump(record),
        )
        for requester in record.requesters:
            if requester.owner is not None:
                self.own(record.id, requester.owner)

    def replace(self, before: Record, after: Record, now: Instant) -> None:
        """Put another record in the place of a job's."""
        data = self._dump(after)
        if before.status is after.status:
            self._database.run("UPDATE job SET record = ? WHERE id = ?", data, after.id)
        else:
            self._database.run(
                "UPDATE job SET status = ?, place = NULL, waits_for_key = NULL,"
                " attempt = ?, next_try = ?, ended = ?, ended_wall = ?, record = ?"
                " WHERE id = ?",
                after.status.value,
                after.run,
                after.next_try,
                *_end_of(after, now),
                data,
                after.id,
            )

    def move(self, record: Record) -> None:
        """Note that a job now belongs to the version of the code in its record."""
        self._database.run(
            "UPDATE job SET code = ?, waits_for_key = NULL, record = ? WHERE id = ?",
            record.code,
            self._dump(record),
            record.id,
        )

    def read(self, job_id: str) -> Record:
        """Return the record of a job.

        Raises:
            KeyError: there is none.
        """
        data = self._database.value("SELECT record FROM job WHERE id = ?", job_id)
        if data is None:
            raise KeyError(job_id)
        return self._parse(data)

    def read_all(self, job_ids: Sequence[str]) -> dict[str, Record]:
        """Return the records of those jobs that there are, by id."""
        # One statement: what a read costs are the locks of SQLite.
        rows = self._database.query(
            "SELECT record FROM job WHERE id IN (SELECT value FROM json_each(?))",
            json.dumps(job_ids),
        )
        records = [self._parse(data) for (data,) in rows]
        return {record.id: record for record in records}

    def own(self, job_id: str, owner: str) -> None:
        """Note that a job is one of a user's. Idempotent."""
        self._database.run(
            "INSERT OR IGNORE INTO owned SELECT ?, n FROM job WHERE id = ?",
            owner,
            job_id,
        )

    def queued(self) -> list[str]:
        """Return the ids of all queued jobs, in the order of their submission."""
        rows = self._database.query("SELECT id FROM job WHERE status = 'queued'")
        return [job_id for (job_id,) in rows]

    def has_queued(self, code: str) -> bool:
        """Return whether jobs of a code version are queued, with a place or without."""
        found = self._database.value(
            "SELECT 1 FROM job WHERE code = ? AND status = 'queued' LIMIT 1", code
        )
        return found is not None

    def add_call(self, job_id: str, call: Call) -> None:
        """Keep what a worker needs to run a job."""
        self._database.run(
            "INSERT INTO call (job, call) VALUES (?, ?)", job_id, call.to_json()
        )

    def delete_call(self, job_id: str) -> None:
        """Delete what a job's request held. Idempotent."""
        self._database.run("DELETE FROM call WHERE job = ?", job_id)

    def save_checkpoint(self, job_id: str, run: int, state: str) -> bool:
        """Replace the checkpoint of a job. False if its run has ended. Atomic."""
        return bool(
            self._database.run(
                "INSERT OR REPLACE INTO checkpoint (job, state) SELECT id, ? FROM job"
                " WHERE id = ? AND status = 'running' AND attempt = ?",
                state,
                job_id,
                run,
            )
        )

    def checkpoint(self, job_id: str) -> str | None:
        """Return the checkpoint of a job; None if it has none."""
        state: str | None = self._database.value(
            "SELECT state FROM checkpoint WHERE job = ?", job_id
        )
        return state

    def delete_checkpoint(self, job_id: str) -> None:
        """Delete the checkpoint of a job. Idempotent."""
        self._database.run("DELETE FROM checkpoint WHERE job = ?", job_id)

    def call(self, job_id: str) -> Call | None:
        """Return what a worker needs to run a job; None once it has ended."""
        data = self._database.value("SELECT call FROM call WHERE job = ?", job_id)
        return None if data is None else Call.from_json(data)

    def add_result(self, job_id: str, result: bytes) -> None:
        """Keep the result of a job, as JSON text."""
        self._database.run(
            "INSERT INTO result (job, result) VALUES (?, ?)", job_id, result
        )

    def result(self, job_id: str) -> bytes | None:
        """Return the result of a job as JSON text; None if it has none."""
        result: bytes | None = self._database.value(
            "SELECT result FROM result WHERE job = ?", job_id
        )
        return result

    def last_end(self) -> float | None:
        """Return when the last job ended, by the monotonic clock; None if none has."""
        end: float | None = self._database.value(
            "SELECT max(ended) FROM job WHERE ended IS NOT NULL"
        )
        return end

    def expired(self, now: Instant, ttl: float) -> list[str]:
        """Return some jobs that ended ``ttl`` seconds ago or earlier."""
        rows = self._database.query(
            # An end after now is one before the machine was started again.
            "SELECT id, ended, ended_wall FROM job"
            " WHERE ended IS NOT NULL AND (ended <= ? OR ended > ?)"
            " ORDER BY ended LIMIT ?",
            now.monotonic - ttl,
            now.monotonic,
            _BATCH,
        )
        return [job_id for job_id, *ended in rows if now.since(Instant(*ended)) >= ttl]

    def delete(self, job_ids: Sequence[str]) -> None:
        """Delete jobs. Triggers delete their rows in other tables. Idempotent."""
        for job_id in job_ids:
            self._database.run("DELETE FROM job WHERE id = ?", job_id)
        self._database.run("DELETE FROM tally WHERE jobs = 0")

    def _dump(self, record: Record) -> bytes:
        data = record.to_json()
        self._remember(data, record)
        return data

    def _parse(self, data: bytes) -> Record:
        # Most polls read the very text that the last one read.
        record = self._parsed.get(data)
        if record is None:
            record = Record.from_json(data)
            self._remember(data, record)
        return record

    def _remember(self, data: bytes, record: Record) -> None:
        if len(data) < SMALL:
            if len(self._parsed) >= _PARSED:
                self._parsed.clear()
            self._parsed[data] = record


def _end_of(record: Record, now: Instant) -> tuple[float | None, float | None]:
    if not record.status.is_terminal:
        return None, None
    return now.monotonic, now.wall
