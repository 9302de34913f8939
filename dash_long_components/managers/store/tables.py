"""Small tables in a store, each one row of JSON, and how they are changed."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import diskcache


class Table:
    """A dict that all processes share. Change it in a transaction of the cache.

    Args:
        cache: where it is kept.
        name: the key of its row.
    """

    def __init__(self, cache: diskcache.Cache, name: str) -> None:
        self._cache = cache
        self._name = name

    def read(self) -> dict[str, Any]:
        """Return what stands in it; changes of that are changes of a copy."""
        rows: dict[str, Any] = json.loads(self._cache.get(self._name, "{}"))
        return rows

    def write(self, rows: dict[str, Any]) -> None:
        """Put ``rows`` in the place of what stands in it."""
        self._cache.set(self._name, json.dumps(rows))


def transaction(cache: diskcache.Cache) -> AbstractContextManager[None]:
    """Return what holds up all other changes of a store, or is part of what does so."""
    transaction: AbstractContextManager[None] = cache.transact()
    return transaction
