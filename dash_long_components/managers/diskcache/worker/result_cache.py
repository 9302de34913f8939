"""Cached results in the user's own cache, which may evict them."""

from __future__ import annotations

import base64
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from ....core.caching import CachedResult
from ....core.calls import Caching

if TYPE_CHECKING:
    import diskcache

logger = logging.getLogger("dash_long_components")

#: Tag of every entry, for the user's ``cache.evict``.
TAG = "dash-long-jobs"


class ResultCache:
    """The results in a cache. If the cache fails, this logs a warning and goes on.

    Args:
        cache: a ``diskcache.Cache`` or ``diskcache.FanoutCache``, with any disk.
    """

    def __init__(self, cache: diskcache.Cache | diskcache.FanoutCache) -> None:
        self._cache = cache

    def dumps(self) -> str:
        """Return the cache as a text for ``loads`` in another process."""
        import cloudpickle

        try:
            # The state that the cache pickles. A job may change its directory.
            directory, *more = self._cache.__getstate__()
            state = (os.path.abspath(directory), *more)
            return base64.b64encode(
                cloudpickle.dumps((type(self._cache), state))
            ).decode()
        except Exception as error:  # a subclass may hold anything
            logger.warning("Results can't be cached by jobs: %s", error)
            return ""

    @classmethod
    def loads(cls, text: str) -> ResultCache | None:
        """Undo ``dumps``. None if the cache can't be opened here."""
        import cloudpickle

        try:
            kind, state = cloudpickle.loads(base64.b64decode(text))
            cache = kind.__new__(kind)
            cache.__setstate__(state)
            return cls(cache)
        except Exception as error:  # a subclass raises what it likes
            logger.warning("Results can't be cached: %s", error)
            return None

    def get(self, caching: Caching) -> CachedResult | None:
        """Return a result or None, and start its time again if it ``is_renewed``."""
        key = _key(caching)
        try:
            text = self._cache.get(key)
            if text is None:
                return None
            result = CachedResult.from_text(text)
            if caching.is_renewed:
                self._cache.touch(key, expire=caching.expire)
        except Exception as error:  # each disk has errors of its own
            self._give_up("A cached result can't be read", error)
            return None
        return result

    def put(self, caching: Caching, result: CachedResult) -> None:
        """Add a result."""
        try:
            self._cache.set(
                _key(caching), result.to_text(), expire=caching.lifetime, tag=TAG
            )
        except Exception as error:  # each disk has errors of its own
            self._give_up("A result can't be cached", error)

    def close(self) -> None:
        """Close the cache's connections of this thread. They open again when needed."""
        with suppress(Exception):  # each disk has errors of its own
            self._cache.close()

    def _give_up(self, what: str, error: Exception) -> None:
        logger.warning("%s: %s", what, str(error) or type(error).__name__)
        # A commit that failed leaves the connection in the middle of a transaction.
        self.close()


def _key(caching: Caching) -> str:
    return f"{TAG}:{caching.key}"
