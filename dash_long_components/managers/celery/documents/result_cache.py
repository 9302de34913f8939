"""Cached results in a Celery result backend, for equal calls."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import asdict, dataclass, replace

from ....core.caching import CachedResult
from ....core.calls import Caching
from ....core.ids import new_job_id
from ....core.versions import from_fields
from ....exceptions import StoreError
from .documents import Documents

logger = logging.getLogger("dash_long_components")


@dataclass(frozen=True, kw_only=True)
class Head:
    """The head of a cached result: which documents hold it.

    Attributes:
        run: random; another one for each result of a key.
        parts: number of documents that hold the result.
        until: seconds since the epoch after which it is not used; None for never.
    """

    run: str
    parts: int
    until: float | None = None

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Head:
        """Undo ``to_text``.

        Raises:
            TypeError: a field is missing: another version has written the text.
        """
        return from_fields(cls, json.loads(text))

    def has_expired(self) -> bool:
        return self.until is not None and self.until < time.time()

    def renewed(self, lifetime: float | None) -> Head:
        """Return the head of a result that is used for so many seconds from now."""
        until = None if lifetime is None else time.time() + lifetime
        return replace(self, until=until)


class CeleryResultCache:
    """Cached results: the parts of each, and a head that says how many there are.

    The backend drops them Celery's ``result_expires`` after their last write.

    Args:
        documents: where to store them.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def get(self, caching: Caching) -> CachedResult | None:
        """Return a result or None, and start its time again if it ``is_renewed``."""
        try:
            text = self._documents.read(_key(caching))
            head = Head.from_text(text) if text else None
            if head is None or head.has_expired():
                return None
            data = self._documents.read_parts(_text(caching, head.run), head.parts)
            if data is None:
                return None
            result = CachedResult.from_text(data.decode())
            if caching.is_renewed:
                self._put_head(caching, head)
        except (StoreError, TypeError, ValueError) as error:
            logger.warning("Could not read a cached result: %s", error)
            return None
        return result

    def put(self, caching: Caching, result: CachedResult) -> None:
        """Store a result."""
        run = new_job_id()
        try:
            # The head comes last: a reader of the head finds all parts.
            parts = self._documents.write_parts(_text(caching, run), result.to_text())
            self._put_head(caching, Head(run=run, parts=parts))
        except StoreError as error:
            logger.warning("Could not cache a result: %s", error)

    def _put_head(self, caching: Caching, head: Head) -> None:
        self._documents.write(_key(caching), head.renewed(caching.lifetime).to_text())


def _key(caching: Caching) -> str:
    return f"dash-long-jobs.cached.{caching.key}"


def _text(caching: Caching, run: str) -> str:
    return f"{_key(caching)}.{run}"
