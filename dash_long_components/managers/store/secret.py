"""The secret of a store."""

from __future__ import annotations

import secrets

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
