"""The secret that all servers of a result backend share."""

from __future__ import annotations

import secrets
import time

from .common_documents import CommonDocuments

#: Seconds after which a server reads it again. The backend drops it unless a server
#: writes it from time to time, and another server may have made a new one since.
FRESH = 60


class SharedSecret:
    """Reads the secret, and makes it if there is none.

    Args:
        documents: where it is stored.
    """

    def __init__(self, documents: CommonDocuments) -> None:
        self._documents = documents
        self._secret = secrets.token_hex(32)
        self._read_again = 0.0

    def read(self) -> bytes:
        """Return the secret. Cheap if this process has read it a moment ago."""
        if time.monotonic() >= self._read_again:
            self._secret = self._documents.secret(self._secret)
            self._read_again = time.monotonic() + FRESH
        return self._secret.encode()
