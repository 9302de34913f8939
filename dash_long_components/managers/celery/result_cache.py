"""Cached results in a Celery result backend, for equal calls."""

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
    """Cached results: the parts of each, and a head that says how many there are.

    The backend drops them Celery's ``result_expires`` after their last write.

    Args:
        documents: where to store them.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def get(self, caching: Caching) -> CachedResult | None:
        """Return a cached result or None, and start its ``expire`` seconds again."""
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
            logger.warning("Could not read a cached result: %s", error)
            return None
        return result

    def put(self, caching: Caching, result: CachedResult) -> None:
        """Store a result."""
        run = new_job_id()
        try:
            # The head comes last: a reader of the head finds all parts.
            parts = self._documents.write_parts(_text(caching, run), result.to_text())
            self._put_head(caching, run, parts)
        except StoreError as error:
            logger.warning("Could not cache a result: %s", error)

    def _put_head(self, caching: Caching, run: str, parts: int) -> None:
        until = None if caching.expire is None else time.time() + caching.expire
        head = {"run": run, "parts": parts, "until": until}
        self._documents.write(_key(caching), json.dumps(head))


def _key(caching: Caching) -> str:
    return f"dash-long-jobs.cached.{caching.key}"


def _text(caching: Caching, run: str) -> str:
    return f"{_key(caching)}.{run}"
