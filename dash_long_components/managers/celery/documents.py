"""Documents in a Celery result backend: the place where jobs are kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import celery
from celery import states

from ...exceptions import StoreError, StoreUnavailableError
from .backends.base import AnyBackend, ConditionalBackend, FileBackend, RedisBackend
from .backends.database import DatabaseBackend
from .backends.memcached import MemcachedBackend, has_pymemcache
from .parts import Fate

T = TypeVar("T")

logger = logging.getLogger("dash_long_components")

#: Seconds between two tries of a worker while the backend does not answer.
_PAUSE = 0.5

#: By the module of Celery that has the backend.
_SHELVES: dict[str, type[ConditionalBackend]] = {
    "celery.backends.redis": RedisBackend,
    "celery.backends.cache": MemcachedBackend,
    "celery.backends.database": DatabaseBackend,
    "celery.backends.filesystem": FileBackend,
}


@lru_cache(maxsize=4)
def backend_of(app: celery.Celery) -> ConditionalBackend:
    """Return the shelf in an app's result backend, the same one every time."""
    # By name: to import a kind of backend takes the packages that it needs.
    modules = [base.__module__ for base in type(app.backend).__mro__]
    shelf = next((_SHELVES[name] for name in modules if name in _SHELVES), AnyBackend)
    if shelf is MemcachedBackend and not has_pymemcache(app.backend):
        return AnyBackend(app)
    return shelf(app)


class Documents:
    """Texts by key. A text is kept for ``result_expires`` after it was last written.

    Every method raises StoreUnavailableError while the backend does not answer.

    Args:
        app: with a result backend.
        patient: wait for the backend while it does not answer, as a worker does that
            has a result to bring home. Otherwise that is an error.
    """

    def __init__(self, app: celery.Celery, *, patient: bool = False) -> None:
        self._app = app
        self._patient = patient
        self._known: ConditionalBackend | None = None

    def read(self, key: str) -> str | None:
        """Return the text under ``key``, or None if there is none."""
        return self.read_many([key])[0]

    def read_many(self, keys: Sequence[str]) -> list[str | None]:
        """Return the text under each key, or None: in one round trip where that can be.

        They may be of different moments.
        """
        return self._try(lambda: self._shelf.read(keys))[0]

    def read_with_fates(
        self, keys: Sequence[str], task_ids: Sequence[str]
    ) -> tuple[list[str | None], list[Fate | None]]:
        """Do as ``read_many``, and tell how Celery says that each task ended.

        There is no fate of a task that has returned, or has not ended.
        """
        texts, metas = self._try(lambda: self._shelf.read(keys, task_ids))
        return texts, [_fate(meta) for meta in metas]

    def write(self, key: str, text: str) -> None:
        """Put ``text`` in the place of what was under ``key``.

        Raises:
            StoreError: the backend takes no text so large.
        """
        self._try(lambda: self._shelf.write(key, text))

    def write_many(self, texts: Mapping[str, str]) -> None:
        """Do as ``write`` with several texts, under keys that nobody knows yet."""
        self._try(lambda: self._shelf.write_many(texts))

    def write_parts(self, key: str, text: str) -> int:
        """Put a text of any length under a key that nobody knows yet.

        Returns:
            In how many parts it is, for ``read_parts``.
        """
        size = self._try(lambda: self._shelf.room)
        parts = [text[at : at + size] for at in range(0, len(text), size)]
        self.write_many({f"{key}.{at}": part for at, part in enumerate(parts)})
        return len(parts)

    def read_parts(self, key: str, count: int) -> bytes | None:
        """Return a text in so many parts, in UTF-8, or None: a backend drops them one
        by one.
        """
        keys = [f"{key}.{at}" for at in range(count)]
        return self._try(lambda: self._shelf.read_joined(keys))

    def update(self, key: str, change: Callable[[str | None], str]) -> str:
        """Put what ``change`` makes of a text in its place. Atomic.

        On backends that are neither Redis, memcached by pymemcache, a database nor the
        file system, of two that do so in the same moment one may be lost.

        Args:
            key: of the text.
            change: called with what stands there, or None; again if somebody else was
                quicker. May raise to change nothing.

        Returns:
            What stands there now.
        """
        while True:
            before, version = self._try(lambda: self._shelf.look(key))
            after = change(before)
            if self._swap(key, version, after):
                return after

    def _swap(self, key: str, version: object, text: str) -> bool:
        return self._try(lambda: self._shelf.swap(key, version, text))

    @property
    def _shelf(self) -> ConditionalBackend:
        if self._known is None:
            self._known = backend_of(self._app)
        return self._known

    def _try(self, action: Callable[[], T]) -> T:
        while True:
            try:
                return action()
            except StoreError:
                raise
            except Exception as error:  # each backend has exceptions of its own
                message = f"Celery's result backend does not answer: {error}"
                if not self._patient:
                    raise StoreUnavailableError(message) from error
                logger.warning("%s", message)
                time.sleep(_PAUSE)


def _fate(meta: dict[str, Any]) -> Fate | None:
    if meta["status"] not in (states.FAILURE, states.REVOKED):
        return None
    error = meta["result"]
    return Fate(type=type(error).__name__, message=str(error))
