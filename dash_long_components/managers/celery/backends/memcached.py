"""A shelf in memcached: clients that no two threads or processes share."""

from __future__ import annotations

import contextlib
import os
import time
import weakref
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import celery

from ....exceptions import StoreError
from .base import KeyValueBackend, text_of

#: Seconds; memcached takes a longer time for seconds since the epoch.
_MONTH = 30 * 24 * 3600


def has_pymemcache(backend: Any) -> bool:
    """Tell whether Celery speaks with memcached by pymemcache, as it does from 5.7."""
    return "pymemcache" in type(backend.client).__module__


class MemcachedBackend(KeyValueBackend):
    """A shelf in memcached, by pymemcache."""

    def __init__(self, app: celery.Celery) -> None:
        super().__init__(app)
        self._idle: deque[_Client] = deque()
        weakref.finalize(self, _close, self._idle)

    @contextlib.contextmanager
    def _client(self) -> Iterator[Any]:
        """Take a client of this process that nobody else uses meanwhile."""
        client = self._take()
        try:
            yield client.connection
        except Exception as error:
            client.connection.close()
            if "too large" not in str(error):
                raise
            raise StoreError(
                "memcached takes no value so large: what a job sets by set_progress "
                "and set_props must be less than 1 MB, or memcached be started with a "
                "larger --max-item-size."
            ) from error
        self._idle.append(client)

    def _take(self) -> _Client:
        with contextlib.suppress(IndexError):
            while (client := self._idle.pop()).pid != os.getpid():
                pass  # it came with the fork, and is the parent's
            return client
        backend = self._backend
        connection = backend.Client(backend.servers, **backend.options)
        return _Client(os.getpid(), connection)

    @property
    def _expires(self) -> int:
        expires = super()._expires or 0
        return int(time.time()) + expires if expires > _MONTH else expires

    def _get(self, names: list[Any]) -> list[bytes | None]:
        with self._client() as client:
            found = client.get_many(names)
        return [found.get(name) for name in names]

    def write(self, key: str, text: str) -> None:
        name, data = self._name(key), text.encode()
        with self._client() as client:
            client.set(name, data, self._expires, noreply=False)

    def look(self, key: str) -> tuple[str | None, Any]:
        with self._client() as client:
            data, version = client.gets(self._name(key))
        return text_of(data), version

    def swap(self, key: str, version: Any, text: str) -> bool:
        name, data = self._name(key), text.encode()
        with self._client() as client:
            if version is None:
                return bool(client.add(name, data, self._expires, noreply=False))
            return bool(client.cas(name, data, version, self._expires, noreply=False))


@dataclass(frozen=True)
class _Client:
    """A client of memcached, and the process that has its connection."""

    pid: int
    connection: Any


def _close(clients: deque[_Client]) -> None:
    for client in clients:
        client.connection.close()
