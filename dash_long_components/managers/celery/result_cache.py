"""Results kept in a Celery result backend, for whoever asks the same again."""

from __future__ import annotations

import json
import logging
import time

from ...core.caching import CachedResult
from ...core.jobs import Caching, new_job_id
from ...exceptions import StoreError
from .documents import Documents

logger = logging.getLogger("dash_long_components")


class CeleryResultCache:
    """Cached results in documents: one that says how many parts there are, and those.

    The backend keeps them for Celery's ``result_expires`` after they were written.

    Args:
        documents: where to keep them.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def get(self, caching: Caching) -> CachedResult | None:
        """Return what is kept, and keep it for ``expire`` seconds from now on."""
        try:
            head = json.loads(self._documents.read(_key(caching)) or "null")
            if head is None or (head["until"] and head["until"] < time.time()):
                return None
            data = self._documents.read_parts(
                _text(caching, head["run"]), head["parts"]
            )
            if data is None:
                return None
            result = CachedResult.from_text(data.decode())
            if caching.expire is not None:
                self._put_head(caching, head["run"], head["parts"])
        except (StoreError, ValueError) as error:
            logger.warning("A cached result can't be read: %s", error)
            return None
        return result

    def put(self, caching: Caching, result: CachedResult) -> None:
        """Keep a result."""
        run = new_job_id()
        try:
            # The head last: who reads it finds all that it speaks of.
            parts = self._documents.write_parts(_text(caching, run), result.to_text())
            self._put_head(caching, run, parts)
        except StoreError as error:
            logger.warning("A result can't be cached: %s", error)

    def _put_head(self, caching: Caching, run: str, parts: int) -> None:
        until = None if caching.expire is None else time.time() + caching.expire
        head = {"run": run, "parts": parts, "until": until}
        self._documents.write(_key(caching), json.dumps(head))


def _key(caching: Caching) -> str:
    return f"dash-long-jobs.kept.{caching.key}"


def _text(caching: Caching, run: str) -> str:
    return f"{_key(caching)}.{run}"
