"""The shared data of a store beside jobs: a secret, and component libraries."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from .database import Database


class Secret:
    """The random secret that signs tokens; the first process to ask makes it.

    Args:
        database: every change is a transaction of its own, or part of the caller's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> bytes:
        """Return the secret."""
        with self._database.transaction():
            secret: bytes | None = self._database.value("SELECT secret FROM secret")
            if secret is None:
                secret = secrets.token_bytes(32)
                self._database.run("INSERT INTO secret (secret) VALUES (?)", secret)
        return secret


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
