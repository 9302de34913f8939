"""Documents in a Celery result backend: the place where jobs are kept."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

import celery
from celery import states

from ..exceptions import StoreUnavailableError
from .celery_records import Fate

T = TypeVar("T")

logger = logging.getLogger("dash_long_components")

#: Celery's name for the state of a task; no state of its own, so that Celery lets a
#: document be replaced.
_STATE = "DASH_LONG_JOB"

#: Seconds between two tries of a worker while the backend does not answer.
_PAUSE = 0.5


class Documents:
    """Texts by key, by what every result backend offers: store a result, read it.

    There is nothing atomic and no key can be claimed, so that every key must have one
    writer. A text is kept for Celery's ``result_expires`` after it was last written.

    Args:
        app: with a result backend.
        patient: wait for the backend while it does not answer, as a worker does that
            has a result to bring home. Otherwise that is an error.
    """

    def __init__(self, app: celery.Celery, *, patient: bool = False) -> None:
        self._app = app
        self._patient = patient

    def read(self, key: str) -> str | None:
        """Return the text under ``key``, or None if there is none.

        Raises:
            StoreUnavailableError: the backend does not answer.
        """
        meta = self._try(lambda: self._meta(key))
        return meta["result"] if meta["status"] == _STATE else None

    def write(self, key: str, text: str) -> None:
        """Put ``text`` in the place of what was under ``key``.

        Raises:
            StoreUnavailableError: the backend does not answer.
        """
        self._try(lambda: self._app.backend.store_result(key, text, _STATE))

    def fate(self, task_id: str) -> Fate | None:
        """Return how Celery says a task ended that did not return, else None.

        Raises:
            StoreUnavailableError: the backend does not answer.
        """
        meta = self._try(lambda: self._meta(task_id))
        if meta["status"] not in (states.FAILURE, states.REVOKED):
            return None
        error = meta["result"]
        return Fate(type=type(error).__name__, message=str(error))

    def _meta(self, key: str) -> dict[str, Any]:
        meta: dict[str, Any] = self._app.backend.get_task_meta(key, cache=False)
        return meta

    def _try(self, action: Callable[[], T]) -> T:
        while True:
            try:
                return action()
            except Exception as error:  # each backend has exceptions of its own
                message = f"Celery's result backend does not answer: {error}"
                if not self._patient:
                    raise StoreUnavailableError(message) from error
                logger.warning("%s", message)
                time.sleep(_PAUSE)
