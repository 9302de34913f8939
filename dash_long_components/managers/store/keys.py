"""Single flight in a store: which live job holds a key, and which jobs wait for it."""

from __future__ import annotations

from ...core.records import Record
from ...core.single_flight import holder
from .database import Database
from .jobs import Jobs


class Keys:
    """The job that equal calls join, for each key of each version of the app's code.

    Another version may give another result.

    Args:
        database: call what writes in a transaction of it.
        jobs: of the same database.
    """

    def __init__(self, database: Database, jobs: Jobs) -> None:
        self._database = database
        self._jobs = jobs

    def joinable(self, record: Record) -> Record | None:
        """Return the live job that a new one joins; None if there is none."""
        found = self._found(record)
        is_other = holder(record.id, found) != record.id
        return found if is_other else None

    def take(self, record: Record) -> bool:
        """Let a job hold its key. False if it waits for the end of an equal job."""
        if record.key is None:
            return True
        if self.joinable(record) is not None:
            self._database.run(
                "UPDATE job SET waits_for_key = 1 WHERE id = ?", record.id
            )
            return False
        # The job that held it can't be joined any more.
        self._database.run(
            "UPDATE job SET holds_key = NULL"
            " WHERE code = ? AND key = ? AND holds_key = 1",
            record.code,
            record.key,
        )
        self._database.run(
            "UPDATE job SET holds_key = 1, waits_for_key = NULL WHERE id = ?",
            record.id,
        )
        return True

    def give_back(self, record: Record) -> list[str]:
        """Take its key from a job, if it holds it. Idempotent.

        Returns:
            Ids of the jobs that have waited for its end, in their order.
        """
        if record.key is None or not self._database.run(
            "UPDATE job SET holds_key = NULL WHERE id = ? AND holds_key = 1",
            record.id,
        ):
            return []
        rows = self._database.query(
            "SELECT id FROM job WHERE code = ? AND key = ? AND waits_for_key = 1"
            " ORDER BY n",
            record.code,
            record.key,
        )
        return [job_id for (job_id,) in rows]

    def _found(self, record: Record) -> Record | None:
        if record.key is None:
            return None
        job_id = self._database.value(
            "SELECT id FROM job WHERE code = ? AND key = ? AND holds_key = 1",
            record.code,
            record.key,
        )
        return None if job_id is None else self._jobs.read(job_id)
