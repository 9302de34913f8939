"""Texts in a folder."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from typing import IO, Any

from .base import KeyValueBackend, text_of


class FileBackend(KeyValueBackend):
    """Texts in a folder. All replacements hold the same lock."""

    def _get(self, names: list[Any]) -> list[bytes | None]:
        return list(self._backend.mget(names))

    def write(self, key: str, text: str) -> None:
        path = self._path(self._name(key))
        draft = path + f".{secrets.token_hex(8)}".encode()
        # A reader sees the old text or the new one, and never half of it.
        with open(draft, "wb") as file:
            file.write(text.encode())
        os.replace(draft, path)

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            with contextlib.suppress(FileNotFoundError):
                os.remove(self._path(self._name(key)))

    def keep(self, keys: Sequence[str]) -> None:
        for key in keys:
            with contextlib.suppress(FileNotFoundError):
                os.utime(self._path(self._name(key)))

    def look(self, key: str) -> tuple[str | None, Any]:
        text = text_of(self._backend.get(self._name(key)))
        return text, text

    def swap(self, key: str, version: Any, text: str) -> bool:
        with open(self._path(b"dash-long-jobs.lock"), "ab") as file, _locked(file):
            if self.look(key)[0] != version:
                return False
            self.write(key, text)
            return True

    def _path(self, name: bytes) -> bytes:
        return os.path.join(self._backend.path, name)


@contextlib.contextmanager
def _locked(file: IO[bytes]) -> Iterator[None]:
    """Hold the lock of a file. The system releases it when the process ends."""
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        try:
            yield
        finally:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
        yield
