"""Documents in a Celery result backend: where jobs are stored."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, TypeVar

import celery
from celery import states

from ....core.outage_log import OutageLog
from ....exceptions import StoreError, StoreUnavailableError
from ..backends.base import Announcements, Backend
from ..backends.choice import backend_of
from .unexpected_ends import CeleryFailure

T = TypeVar("T")

#: Seconds between two tries of a worker while the backend does not respond.
_PAUSE = 0.5

#: The place of all names in a list that has no order.
UNORDERED = 0.0

#: Used by callers that continue during an outage. Others raise it.
outages = OutageLog("Celery's result backend")


class Documents:
    """Texts by key. Each stays for ``result_expires`` after its last write.

    Every method raises StoreUnavailableError while the backend does not respond.

    Args:
        app: with a result backend.
        patient: wait for the backend while it does not respond, instead of raising.
            A worker with a result to write does so.
        guard: held during each access to the backend.
    """

    def __init__(
        self,
        app: celery.Celery,
        *,
        patient: bool = False,
        guard: AbstractContextManager[object] | None = None,
    ) -> None:
        self._app = app
        self._patient = patient
        self._guard = guard or nullcontext()
        self._known: Backend | None = None

    def read(self, key: str) -> str | None:
        """Return the text under ``key``, or None if there is none."""
        return self.read_many([key])[0]

    def read_many(self, keys: Sequence[str]) -> list[str | None]:
        """Return the text under each key, or None; in one round trip where possible.

        The texts may be of different moments.
        """
        return self._try(lambda: self._backend.read(keys))[0]

    def read_with_failures(
        self, keys: Sequence[str], task_ids: Sequence[str]
    ) -> tuple[list[str | None], list[CeleryFailure | None]]:
        """Return texts as ``read_many`` does, and how Celery says that tasks ended.

        A task that has returned, or has not ended, has no failure.
        """
        texts, metas = self._try(lambda: self._backend.read(keys, task_ids))
        return texts, [_failure(meta) for meta in metas]

    def read_tasks(self, task_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return what Celery stores about tasks: ``{"status": ..., "result": ...}``."""
        return self._try(lambda: self._backend.read([], task_ids))[1]

    def write(self, key: str, text: str) -> None:
        """Set the text under ``key``.

        Raises:
            StoreError: the text is larger than the backend accepts.
        """
        self._try(lambda: self._backend.write(key, text))

    def write_many(self, texts: Mapping[str, str]) -> None:
        """Set several texts whose keys no one else knows yet."""
        self._try(lambda: self._backend.write_many(texts))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete the texts under several keys. Idempotent."""
        self._try(lambda: self._backend.delete(keys))

    @property
    def expires(self) -> float | None:
        """Seconds for which a text stays after its last write; None for ever."""
        return self._try(lambda: self._backend.expires)

    def keep(self, keys: Sequence[str]) -> None:
        """Have texts stay as long as after a write. Those that are missing stay so."""
        self._try(lambda: self._backend.keep(keys))

    def list_in(self, keys: Sequence[str], name: str, at: float) -> None:
        """Add a name to lists. Idempotent.

        Args:
            keys: of the lists.
            name: of letters, digits, "-" and "_".
            at: its place, in seconds since the epoch.
        """
        self._try(lambda: self._backend.list_in(keys, name, at))

    def keep_listed(self, keys: Sequence[str], name: str, at: float) -> None:
        """Have lists keep a name as long as a new one, at the place that it has."""
        self._try(lambda: self._backend.keep_listed(keys, name, at))

    def move(self, key: str, places: Mapping[str, float]) -> None:
        """Give names of a list other places, or add them. Idempotent."""
        self._try(lambda: self._backend.move(key, places))

    def keep_list(self, key: str) -> None:
        """Have a list stay as long as after an addition."""
        self._try(lambda: self._backend.keep_list(key))

    def unlist(self, key: str, *names: str) -> None:
        """Remove names from a list. Idempotent."""
        self._try(lambda: self._backend.unlist(key, *names))

    def listed(
        self, key: str, start: int, count: int, *, newest_first: bool = True
    ) -> list[str]:
        """Return names of a list in their order, from one position on."""
        return self._try(
            lambda: self._backend.listed(key, start, count, newest_first=newest_first)
        )

    def listed_until(self, key: str, at: float, count: int) -> list[str]:
        """Return the first names of a list whose place is not after a time."""
        return self._try(lambda: self._backend.listed_until(key, at, count))

    def length(self, key: str) -> int:
        """Return how many names a list has."""
        return self._try(lambda: self._backend.length(key))

    def split(self, key: str, text: str) -> dict[str, str]:
        """Cut a text into parts that the backend accepts, by their keys."""
        size = self._try(lambda: self._backend.room)
        parts = [text[at : at + size] for at in range(0, len(text), size)]
        return dict(zip(part_keys(key, len(parts)), parts, strict=True))

    def write_parts(self, key: str, text: str) -> int:
        """Write a text of any length under a key that no one else knows yet.

        Returns:
            The number of parts, for ``read_parts``.
        """
        parts = self.split(key, text)
        self.write_many(parts)
        return len(parts)

    def read_parts(self, key: str, count: int) -> bytes | None:
        """Return a text in so many parts, in UTF-8; None if one part is missing."""
        keys = part_keys(key, count)
        return self._try(lambda: self._backend.read_joined(keys))

    def update(self, key: str, change: Callable[[str | None], str]) -> str:
        """Replace a text with what ``change`` makes of it. Atomic.

        Not atomic on a backend without a compare-and-set: if two processes update a
        text in the same moment, one update may be lost.

        Args:
            key: of the text.
            change: called with the text, or None; again if another process was
                faster. It may raise to change nothing.

        Returns:
            The new text.
        """
        while True:
            before, version = self._try(lambda: self._backend.look(key))
            after = change(before)
            if after == before:
                # A swap would make the updates of other processes fail.
                self.keep([key])
                return after
            if self._swap(key, version, after):
                return after

    def announce(self, job_id: str) -> None:
        """Tell the servers that a job has changed, where the backend can."""
        # The change itself is stored. Servers read it a little later without this.
        with suppress(Exception), self._guard:
            self._backend.announce(job_id)

    def announcements(self) -> Announcements | None:
        """Return what gets the ids of changed jobs; None if the backend can't tell."""
        return self._try(lambda: self._backend.announcements())

    def taken_from(self, announcements: Announcements) -> set[str] | None:
        """Return the jobs announced since the last call; None if any may have been."""
        return self._try(announcements.take)

    def _swap(self, key: str, version: object, text: str) -> bool:
        return self._try(lambda: self._backend.swap(key, version, text))

    @property
    def _backend(self) -> Backend:
        if self._known is None:
            self._known = backend_of(self._app)
        return self._known

    def _try(self, action: Callable[[], T]) -> T:
        while True:
            with self._guard:
                try:
                    answer = action()
                except StoreError:
                    raise
                except Exception as error:  # each backend has exceptions of its own
                    message = f"Celery's result backend does not respond: {error}"
                    if not self._patient:
                        raise StoreUnavailableError(message) from error
                    outages.begin(message)
                else:
                    outages.end()
                    return answer
            time.sleep(_PAUSE)


def part_keys(key: str, count: int) -> list[str]:
    """Return the keys of the parts of a text."""
    return [f"{key}.{at}" for at in range(count)]


def _failure(meta: dict[str, Any]) -> CeleryFailure | None:
    if meta["status"] not in (states.FAILURE, states.REVOKED):
        return None
    error = meta["result"]
    return CeleryFailure(type=type(error).__name__, message=str(error))
