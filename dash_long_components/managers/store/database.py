"""The cache that a store keeps its jobs in."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from typing import Any

import diskcache

from ...exceptions import StoreError, StoreUnavailableError


class JobCache(diskcache.Cache):  # type: ignore[misc]
    """A cache that gives up after ``timeout`` when it is opened, too.

    diskcache itself goes on for a minute then, while a user waits for an answer.

    Args:
        directory: made if it is missing.
        timeout: seconds for which to wait until another process has written.
        disk: as ``diskcache.Cache`` takes it, which is pickled by these three.
        settings: further ones of it.
    """

    def __init__(
        self,
        directory: str,
        timeout: float,
        disk: type[diskcache.Disk] = diskcache.Disk,
        **settings: Any,
    ) -> None:
        self._patience = timeout
        super().__init__(directory, timeout, disk, **settings)

    @property
    def _sql_retry(self) -> Callable[..., sqlite3.Cursor]:
        def execute(*statement: Any) -> sqlite3.Cursor:
            until = time.monotonic() + self._patience
            while True:
                try:
                    cursor: sqlite3.Cursor = self._sql(*statement)
                    return cursor
                except sqlite3.OperationalError as error:
                    if "locked" not in str(error) or time.monotonic() > until:
                        raise
                    time.sleep(0.001)

        return execute


def open_cache(directory: str, timeout: float) -> JobCache:
    """Open the cache of a store, or make it.

    Args:
        directory: made if it is missing.
        timeout: seconds for which to wait until another process has written.

    Raises:
        StoreUnavailableError: it is locked, or its disk is full.
        StoreError: the directory can't be used.
    """
    try:
        return JobCache(
            directory,
            timeout,
            eviction_policy="none",
            # All values in the database file: a value in a file of its own would be
            # litter to diskcache.Cache.check() of a cache around this one.
            disk_min_file_size=2**62,
        )
    except (OSError, sqlite3.Error) as error:
        is_passing = isinstance(error, sqlite3.OperationalError)
        kind = StoreUnavailableError if is_passing else StoreError
        raise kind(f"Jobs can't be kept in {directory}: {error}.") from error
