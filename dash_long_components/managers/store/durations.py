"""The durations of the tasks of a store."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...core.durations import MAX_RUNS, median, seconds_of
from .database import Database


class Durations:
    """The durations of the last successful runs of each task.

    Args:
        database: call what writes in a transaction of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, task: str, seconds: float) -> None:
        """Add a run."""
        self._database.run(
            "INSERT INTO duration (task, seconds) VALUES (?, ?)",
            task,
            seconds_of(seconds),
        )
        self._database.run(
            "DELETE FROM duration WHERE n IN (SELECT n FROM duration WHERE task = ?"
            " ORDER BY n DESC LIMIT -1 OFFSET ?)",
            task,
            MAX_RUNS,
        )

    def of(self, task: str) -> list[float]:
        """Return how long a task took, in seconds, the oldest run first."""
        rows = self._database.query(
            "SELECT seconds FROM duration WHERE task = ? ORDER BY n", task
        )
        return [seconds for (seconds,) in rows]

    def median(self, task: str) -> float | None:
        """Return how long a task usually takes, in seconds; None if it never ran."""
        return median(self.of(task))

    def medians(self, tasks: Sequence[str]) -> dict[str, float | None]:
        """Do ``median`` for several tasks, in one statement."""
        rows = self._database.query(
            "SELECT task, seconds FROM duration"
            " WHERE task IN (SELECT value FROM json_each(?)) ORDER BY n",
            json.dumps(tasks),
        )
        found: dict[str, list[float]] = {task: [] for task in tasks}
        for task, seconds in rows:
            found[task].append(seconds)
        return {task: median(each) for task, each in found.items()}
