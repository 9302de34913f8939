"""The halts of operators in a store, and the jobs that wait for their end."""

from __future__ import annotations

from ...core.halts import Halts
from ...core.records import Record
from .database import Database


class Halted:
    """The halts, and the queued jobs of paused tasks, which have no place in the queue.

    Args:
        database: call what writes in a transaction of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> Halts:
        """Return the halts."""
        text: str | None = self._database.value("SELECT halts FROM halts")
        return Halts.from_text(text)

    def write(self, halts: Halts) -> None:
        """Replace the halts."""
        self._database.run("DELETE FROM halts")
        if halts != Halts():
            self._database.run("INSERT INTO halts (halts) VALUES (?)", halts.to_text())

    def catch(self, record: Record) -> bool:
        """Halt a job that is about to get its place, if its task is paused."""
        is_paused = record.task in self.read().paused
        if is_paused:
            self._add("id = ?", record.id)
        return is_paused

    def catch_all(self, task: str) -> None:
        """Take the jobs of a task from the queue, and halt them."""
        self._add("task = ? AND place IS NOT NULL", task)
        self._database.run(
            "UPDATE job SET place = NULL WHERE task = ? AND place IS NOT NULL", task
        )

    def _add(self, condition: str, value: str) -> None:
        self._database.run(
            "INSERT OR IGNORE INTO halted (job)"  # noqa: S608
            f" SELECT id FROM job WHERE {condition} ORDER BY place, n",
            value,
        )

    def first(self, code: str) -> str | None:
        """Return a halted job of a code version that is queued; None if none is."""
        job_id: str | None = self._database.value(
            "SELECT id FROM halted JOIN job ON id = job"
            " WHERE code = ? AND status = 'queued' ORDER BY halted.n LIMIT 1",
            code,
        )
        return job_id

    def release(self, task: str) -> list[str]:
        """Release the jobs of a task, and return those that are still queued."""
        rows = self._database.query(
            "SELECT id, status FROM halted JOIN job ON id = job WHERE task = ?"
            " ORDER BY halted.n",
            task,
        )
        for job_id, _ in rows:
            self._database.run("DELETE FROM halted WHERE job = ?", job_id)
        return [job_id for job_id, status in rows if status == "queued"]
