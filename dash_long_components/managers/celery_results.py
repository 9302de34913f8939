"""Results kept in a Celery result backend, for whoever asks the same again."""

from __future__ import annotations

import json
import logging
import time

from ..caching import CachedResult
from ..exceptions import StoreUnavailableError
from ..jobs import Caching, new_job_id
from .documents import Documents

logger = logging.getLogger("dash_long_components")

#: Characters in one document: even escaped they are less than memcached's 1 MB.
_PART = 128 * 1024


class KeptDocuments:
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
            text = self._read_parts(caching, head["run"], head["parts"])
            if text is None:
                return None
            result = CachedResult.from_text(text)
            if caching.expire is not None:
                self._put_head(caching, head["run"], head["parts"])
        except (StoreUnavailableError, ValueError) as error:
            logger.warning("A cached result can't be read: %s", error)
            return None
        return result

    def put(self, caching: Caching, result: CachedResult) -> None:
        """Keep a result."""
        text, run = result.to_text(), new_job_id()
        parts = [text[at : at + _PART] for at in range(0, len(text), _PART)]
        try:
            # The head last: who reads it finds all that it speaks of.
            self._documents.write_many(
                {_part(caching, run, number): text for number, text in enumerate(parts)}
            )
            self._put_head(caching, run, len(parts))
        except StoreUnavailableError as error:
            logger.warning("A result can't be cached: %s", error)

    def _read_parts(self, caching: Caching, run: str, count: int) -> str | None:
        parts = self._documents.read_many(
            [_part(caching, run, number) for number in range(count)]
        )
        # The backend may drop them one by one.
        return None if None in parts else "".join(part or "" for part in parts)

    def _put_head(self, caching: Caching, run: str, parts: int) -> None:
        until = None if caching.expire is None else time.time() + caching.expire
        head = {"run": run, "parts": parts, "until": until}
        self._documents.write(_key(caching), json.dumps(head))


def _key(caching: Caching) -> str:
    return f"dash-long-jobs.kept.{caching.key}"


def _part(caching: Caching, run: str, number: int) -> str:
    return f"{_key(caching)}.{run}.{number}"
