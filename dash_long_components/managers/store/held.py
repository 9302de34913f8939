"""What operators hold back in a store, and the jobs that wait for them."""

from __future__ import annotations

from ...core.holds import Holds
from ...core.records import Record
from .database import Database


class Held:
    """The holds, and the queued jobs of paused tasks, which have no place in the queue.

    Args:
        database: call what writes in a transaction of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> Holds:
        """Return what is held back."""
        text: str | None = self._database.value("SELECT holds FROM holds")
        return Holds.from_json(text)

    def write(self, holds: Holds) -> None:
        """Replace what is held back."""
        self._database.run("DELETE FROM holds")
        if holds != Holds():
            self._database.run("INSERT INTO holds VALUES (?)", holds.to_json())

    def catch(self, record: Record) -> bool:
        """Hold a job that is about to get its place, if its task is paused."""
        is_paused = record.task in self.read().paused
        if is_paused:
            self._add("id = ?", record.id)
        return is_paused

    def catch_all(self, task: str) -> None:
        """Take the jobs of a task from the queue, and hold them."""
        self._add("task = ? AND place IS NOT NULL", task)
        self._database.run(
            "UPDATE job SET place = NULL WHERE task = ? AND place IS NOT NULL", task
        )

    def _add(self, condition: str, value: str) -> None:
        self._database.run(
            "INSERT OR IGNORE INTO held (job)"  # noqa: S608
            f" SELECT id FROM job WHERE {condition} ORDER BY place, n",
            value,
        )

    def first(self, code: str) -> str | None:
        """Return a queued job of a code version that is held; None if there is none."""
        job_id: str | None = self._database.value(
            "SELECT id FROM held JOIN job ON id = job"
            " WHERE code = ? AND status = 'queued' ORDER BY held.n LIMIT 1",
            code,
        )
        return job_id

    def release(self, task: str) -> list[str]:
        """Hold the jobs of a task no longer, and return those that are still queued."""
        rows = self._database.query(
            "SELECT id, status FROM held JOIN job ON id = job WHERE task = ?"
            " ORDER BY held.n",
            task,
        )
        for job_id, _ in rows:
            self._database.run("DELETE FROM held WHERE job = ?", job_id)
        return [job_id for job_id, status in rows if status == "queued"]
