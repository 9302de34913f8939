"""A Celery result backend as a store of texts by key.

Celery's own interface reads one key at a time and offers nothing atomic. The modules
beside this one use the language of one kind of backend each: they read all documents
of a job in one round trip, and replace a text only if no one else has replaced it.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pickle import PickleError
from typing import Any

import celery
from celery.exceptions import SecurityError
from kombu.exceptions import SerializationError, SerializerNotInstalled

from ....exceptions import StoreError

#: Celery's name for the state of a task; no state of its own, so that Celery lets a
#: text be replaced.
STATE = "DASH_LONG_JOB"

#: The state that Celery gives a task that it does not know.
PENDING = {"status": "PENDING", "result": None}


#: Errors of what is stored, not of the connection.
_UNREADABLE = (
    SerializationError,
    SerializerNotInstalled,
    SecurityError,
    PickleError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    TypeError,
    ValueError,
)

#: Names that a list in one text has.
_LISTED = 1000

#: Messages of memcached and DynamoDB about a value that is too large.
_TOO_LARGE = ("too large", "exceeded the maximum allowed size")


class Announcements(ABC):
    """The announcements of other processes. One thread uses it."""

    @abstractmethod
    def take(self) -> set[str] | None:
        """Return what was announced since the last call; None if that is not known.

        It is not known at first, nor after an outage. Never waits.
        """

    @abstractmethod
    def close(self) -> None:
        """Release its connection. Idempotent."""


class Backend(ABC):
    """Texts by key. Each stays for Celery's ``result_expires`` after its last write.

    Safe for threads and for forked processes. Errors are those of the backend, except
    for StoreError, which a retry does not mend.

    Attributes:
        room: characters that any one text may have.

    Args:
        app: with a result backend of this kind.
    """

    #: Below 1 MB even when every character is escaped: some backends take no more.
    room = 128 * 1024

    def __init__(self, app: celery.Celery) -> None:
        self._app = app
        # Celery makes a backend for each thread, and a server's thread may serve one
        # request only. The parts that are used of this one are good for all threads.
        self._backend: Any = app.backend

    def _meta(self, task_id: str) -> dict[str, Any]:
        """Return what Celery stores about a task."""
        backend: Any = self._app.backend
        meta: dict[str, Any]
        if self._app.conf.task_always_eager:
            # The public method warns that eager tasks store nothing. These do.
            meta = backend._get_task_meta_for(task_id)
        else:
            meta = backend.get_task_meta(task_id, cache=False)
        return meta

    def _task(self, task_id: str) -> dict[str, Any]:
        """Return what Celery stores about a task: a failure if it can't be read."""
        try:
            return self._meta(task_id)
        except _UNREADABLE as error:
            problem = StoreError(
                f"What Celery has stored of task {task_id} can't be read here: "
                f"{error}. Give all workers the same result_serializer, accept_content "
                "and code."
            )
            return {"status": "FAILURE", "result": problem}

    @property
    def expires(self) -> int | None:
        """Seconds for which a text stays; None for ever."""
        expires = self._backend.expires
        if isinstance(expires, timedelta):
            expires = expires.total_seconds()
        return int(expires) if expires else None

    @abstractmethod
    def read(
        self, keys: Sequence[str], task_ids: Sequence[str] = ()
    ) -> tuple[list[str | None], list[dict[str, Any]]]:
        """Return the text under each key, None where there is none.

        The second list holds what Celery itself stores about each task:
        ``{"status": ..., "result": ...}``, read at the same time.
        """

    def read_joined(self, keys: Sequence[str]) -> bytes | None:
        """Return several texts as one, in UTF-8; None if one is missing.

        It may be large.
        """
        texts, _ = self.read(keys)
        return None if None in texts else "".join(map(str, texts)).encode()

    @abstractmethod
    def write(self, key: str, text: str) -> None:
        """Set the text under ``key``."""

    def write_many(self, texts: Mapping[str, str]) -> None:
        """Set several texts whose keys no one else knows yet."""
        for key, text in texts.items():
            self.write(key, text)

    @abstractmethod
    def delete(self, keys: Sequence[str]) -> None:
        """Delete the texts under several keys. Idempotent."""

    @abstractmethod
    def keep(self, keys: Sequence[str]) -> None:
        """Have texts stay as long as after a write. Those that are missing stay so."""

    def announce(self, text: str) -> None:  # noqa: B027
        """Tell other processes something, where the backend can. It may get lost."""

    def announcements(self) -> Announcements | None:
        """Return what gets the announcements; None if the backend has no such thing."""
        return None

    @abstractmethod
    def look(self, key: str) -> tuple[str | None, Any]:
        """Return a text and its version, for ``swap``."""

    @abstractmethod
    def swap(self, key: str, version: Any, text: str) -> bool:
        """Replace a text if it still has a version. Atomic, except in AnyBackend.

        Returns:
            False if another process has replaced it.
        """

    def list_in(self, keys: Sequence[str], name: str, at: float) -> None:
        """Add a name to lists, at a place. Idempotent.

        A list has names for twice ``result_expires`` after their place, if this is the
        time. Here a list has the last names only.
        """
        for key in keys:
            while True:
                text, version = self.look(key)
                places = _places(text)
                places.pop(name, None)
                last = sorted([*places.items(), (name, at)], key=lambda it: it[1])
                last = last[-_LISTED:]
                if self.swap(key, version, json.dumps(dict(last))):
                    break

    def keep_listed(self, keys: Sequence[str], name: str, at: float) -> None:
        """Have lists keep a name as long as a new one, at the place that it has."""
        self.list_in(keys, name, at)

    def move(self, key: str, places: Mapping[str, float]) -> None:
        """Give names of a list other places, or add them. Idempotent."""
        for name, at in places.items():
            self.list_in([key], name, at)

    def keep_list(self, key: str) -> None:
        """Have a list stay as long as after an addition."""
        self.keep([key])

    def unlist(self, key: str, *names: str) -> None:
        """Remove names from a list. Idempotent."""
        while True:
            text, version = self.look(key)
            places = _places(text)
            rest = {name: at for name, at in places.items() if name not in names}
            if len(rest) == len(places):
                return
            if self.swap(key, version, json.dumps(rest)):
                return

    def listed(
        self, key: str, start: int, count: int, *, newest_first: bool = True
    ) -> list[str]:
        """Return names of a list in their order, from one position on."""
        (text,), _ = self.read([key])
        names = [*_places(text)]
        return (names[::-1] if newest_first else names)[start : start + count]

    def listed_until(self, key: str, at: float, count: int) -> list[str]:
        """Return the first names of a list whose place is not after a time."""
        (text,), _ = self.read([key])
        return [name for name, place in _places(text).items() if place <= at][:count]

    def length(self, key: str) -> int:
        """Return how many names a list has."""
        return len(self.listed(key, 0, _LISTED))


class AnyBackend(Backend):
    """Texts in any backend, by Celery's interface alone.

    ``swap`` is not atomic: Celery's interface has no compare-and-set.
    """

    def read(
        self, keys: Sequence[str], task_ids: Sequence[str] = ()
    ) -> tuple[list[str | None], list[dict[str, Any]]]:
        return [self._text(key) for key in keys], [*map(self._task, task_ids)]

    def write(self, key: str, text: str) -> None:
        try:
            self._app.backend.store_result(key, text, STATE)
        except Exception as error:  # each backend has exceptions of its own
            if not any(words in str(error) for words in _TOO_LARGE):
                raise
            raise StoreError(
                f"Celery's result backend does not accept {len(text)} characters: "
                f"{error}. Set less by set_progress and set_props, or use Redis or a "
                "database."
            ) from error

    def delete(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._app.backend.forget(key)

    def keep(self, keys: Sequence[str]) -> None:
        for key in keys:
            text = self._text(key)
            if text is not None:
                self.write(key, text)

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


class KeyValueBackend(Backend):
    """Texts in a backend that stores bytes by key, without Celery's wrapping."""

    def __init__(self, app: celery.Celery) -> None:
        super().__init__(app)
        # Once, because a poll of many jobs asks for many names.
        self._prefix = self._backend.get_key_for_task("x")[:-1]

    def read(
        self, keys: Sequence[str], task_ids: Sequence[str] = ()
    ) -> tuple[list[str | None], list[dict[str, Any]]]:
        names = [self._name(key) for key in (*keys, *task_ids)]
        found = self._get(names) if names else []
        texts = [text_of(data) for data in found[: len(keys)]]
        # Celery stores something about few tasks: those that did not return.
        metas = [
            PENDING if data is None else self._task(task_id)
            for task_id, data in zip(task_ids, found[len(keys) :], strict=True)
        ]
        return texts, metas

    def read_joined(self, keys: Sequence[str]) -> bytes | None:
        found = self._get([self._name(key) for key in keys]) if keys else []
        data = [part for part in found if part is not None]
        return b"".join(data) if len(data) == len(keys) else None

    @abstractmethod
    def _get(self, names: list[Any]) -> list[bytes | None]:
        """Return what the backend holds under each name."""

    def _name(self, key: str) -> Any:
        return self._prefix + self._backend.key_t(key)


def _places(text: str | None) -> dict[str, float]:
    """Return the names of a list in one text, each with its place."""
    found = json.loads(text or "{}")
    # A process of an older version writes the names alone.
    return found if isinstance(found, dict) else dict.fromkeys(found, 0.0)


def text_of(data: bytes | None) -> str | None:
    """Return the text that these bytes hold."""
    return None if data is None else data.decode()
