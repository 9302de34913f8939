"""Kinds of Celery result backends, each as a shelf of texts by key.

Celery's own interface reads one key at a time and has nothing atomic. Those backends
that matter are spoken to in their own language: one round trip for all that is known
of a job, and a text that is replaced only if nobody else has replaced it. Any other
backend does by Celery's interface what can be done by that.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from typing import IO, Any

import celery

#: Celery's name for the state of a task; no state of its own, so that Celery lets a
#: text be replaced.
STATE = "DASH_LONG_JOB"

#: What Celery says of a task that it does not know.
PENDING = {"status": "PENDING", "result": None}


class ConditionalBackend(ABC):
    """Texts by key, kept for Celery's ``result_expires`` after they were last written.

    For all threads, and for processes that are forked. Errors are those of the backend,
    but for StoreError, which no other try will mend.

    Attributes:
        room: characters that one text may have at least.

    Args:
        app: with a result backend of this kind.
    """

    #: Even escaped they are less than the 1 MB that memcached takes.
    room = 128 * 1024

    def __init__(self, app: celery.Celery) -> None:
        self._app = app
        # Celery makes one for each thread, and a thread of a server may live for one
        # request. What is used of this one is good for all threads.
        self._backend: Any = app.backend

    def _meta(self, task_id: str) -> dict[str, Any]:
        """Return what Celery keeps of a task."""
        meta: dict[str, Any] = self._app.backend.get_task_meta(task_id, cache=False)
        return meta

    @property
    def _expires(self) -> int | None:
        """Seconds for which a text is kept."""
        expires = self._backend.expires
        if isinstance(expires, timedelta):
            expires = expires.total_seconds()
        return int(expires) if expires else None

    @abstractmethod
    def read(
        self, keys: Sequence[str], task_ids: Sequence[str] = ()
    ) -> tuple[list[str | None], list[dict[str, Any]]]:
        """Return the text under each key, None where there is none.

        And, read at the same time, what Celery itself keeps of tasks:
        ``{"status": ..., "result": ...}`` of each.
        """

    def read_joined(self, keys: Sequence[str]) -> bytes | None:
        """Return the texts under several keys as one, in UTF-8; None if one is missing.

        It may be large.
        """
        texts, _ = self.read(keys)
        return None if None in texts else "".join(map(str, texts)).encode()

    @abstractmethod
    def write(self, key: str, text: str) -> None:
        """Put ``text`` in the place of what is under ``key``."""

    def write_many(self, texts: Mapping[str, str]) -> None:
        """Do as ``write`` with several texts, of which nobody knows yet."""
        for key, text in texts.items():
            self.write(key, text)

    @abstractmethod
    def look(self, key: str) -> tuple[str | None, Any]:
        """Return a text and its version, which is for ``swap``."""

    @abstractmethod
    def swap(self, key: str, version: Any, text: str) -> bool:
        """Replace a text if it still is of a version. Atomic.

        Returns:
            False if it was not replaced, for somebody else had done so.
        """


class AnyBackend(ConditionalBackend):
    """A shelf in any backend. ``swap`` is not atomic: it has nothing to be so with."""

    def read(
        self, keys: Sequence[str], task_ids: Sequence[str] = ()
    ) -> tuple[list[str | None], list[dict[str, Any]]]:
        return [self._text(key) for key in keys], [*map(self._meta, task_ids)]

    def write(self, key: str, text: str) -> None:
        self._app.backend.store_result(key, text, STATE)

    def look(self, key: str) -> tuple[str | None, Any]:
        text = self._text(key)
        return text, text

    def swap(self, key: str, version: Any, text: str) -> bool:
        if self._text(key) != version:
            return False
        self.write(key, text)
        return True

    def _text(self, key: str) -> str | None:
        meta = self._meta(key)
        return meta["result"] if meta["status"] == STATE else None


class KeyValueBackend(ConditionalBackend):
    """A shelf in a backend that keeps bytes by key: ours are the text and no more."""

    def __init__(self, app: celery.Celery) -> None:
        super().__init__(app)
        # Here, for a poll of many jobs asks for many names.
        self._prefix = self._backend.get_key_for_task("x")[:-1]

    def read(
        self, keys: Sequence[str], task_ids: Sequence[str] = ()
    ) -> tuple[list[str | None], list[dict[str, Any]]]:
        names = [self._name(key) for key in (*keys, *task_ids)]
        found = self._get(names) if names else []
        texts = [text_of(data) for data in found[: len(keys)]]
        # Few tasks have something: those that did not return.
        metas = [
            PENDING if data is None else self._meta(task_id)
            for task_id, data in zip(task_ids, found[len(keys) :], strict=True)
        ]
        return texts, metas

    def read_joined(self, keys: Sequence[str]) -> bytes | None:
        found = self._get([self._name(key) for key in keys]) if keys else []
        data = [part for part in found if part is not None]
        return b"".join(data) if len(data) == len(keys) else None

    @abstractmethod
    def _get(self, names: list[Any]) -> list[bytes | None]:
        """Return what is kept under each name in the backend."""

    def _name(self, key: str) -> Any:
        return self._prefix + self._backend.key_t(key)


class RedisBackend(KeyValueBackend):
    """A shelf in Redis. What a text is replaced by depends on that text alone."""

    #: redis-py reads a large text in half the time if it comes in fewer parts.
    room = 1024 * 1024

    #: Seconds without a byte, after which Redis is one that does not answer. Celery
    #: gives it two minutes, while which a server has a thread less for other requests.
    TIMEOUT = 5.0

    _SWAP = """
        if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then
            return 0
        end
        if ARGV[3] == '' then
            redis.call('SET', KEYS[1], ARGV[2])
        else
            redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
        end
        return 1
    """

    @cached_property
    def _client(self) -> Any:
        """A client as Celery has it, but for how long it waits."""
        settings = dict(self._backend.connparams)
        # A Unix socket has no time to connect in.
        for name in {"socket_timeout", "socket_connect_timeout"} & settings.keys():
            settings[name] = min(float(settings[name] or self.TIMEOUT), self.TIMEOUT)
        return self._backend._create_client(**settings)

    def _get(self, names: list[Any]) -> list[bytes | None]:
        found: list[bytes | None] = self._client.mget(names)
        return found

    def write(self, key: str, text: str) -> None:
        self._client.set(self._name(key), text.encode(), ex=self._expires)

    def look(self, key: str) -> tuple[str | None, Any]:
        data = self._client.get(self._name(key))
        return text_of(data), data or b""

    def swap(self, key: str, version: Any, text: str) -> bool:
        expires = self._expires or ""
        return bool(
            self._client.eval(
                self._SWAP, 1, self._name(key), version, text.encode(), expires
            )
        )


class FileBackend(KeyValueBackend):
    """A shelf in a folder. Who replaces a text holds a lock of all that do."""

    def _get(self, names: list[Any]) -> list[bytes | None]:
        return list(self._backend.mget(names))

    def write(self, key: str, text: str) -> None:
        path = self._path(self._name(key))
        draft = path + f".{secrets.token_hex(8)}".encode()
        # A reader sees the old text or the new one, and never half of it.
        with open(draft, "wb") as file:
            file.write(text.encode())
        os.replace(draft, path)

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


def text_of(data: bytes | None) -> str | None:
    """Return the text that is kept as these bytes."""
    return None if data is None else data.decode()


@contextlib.contextmanager
def _locked(file: IO[bytes]) -> Iterator[None]:
    """Hold the lock of a file, which the system lets go of with the process."""
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
