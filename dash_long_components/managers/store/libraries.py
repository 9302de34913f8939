"""The component libraries that the jobs of a store have imported."""

from __future__ import annotations

from collections.abc import Iterable

from .database import Database


class Libraries:
    """The component libraries that jobs have imported.

    Args:
        database: call what writes in a transaction of it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, names: Iterable[str]) -> None:
        """Add libraries. Idempotent."""
        for name in names:
            self._database.run("INSERT OR IGNORE INTO library (name) VALUES (?)", name)

    def read(self) -> frozenset[str]:
        """Return the names of all."""
        return frozenset(
            name for (name,) in self._database.query("SELECT name FROM library")
        )
