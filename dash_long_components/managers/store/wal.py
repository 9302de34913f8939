"""When SQLite moves what was written from its log into the database file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import diskcache

#: Bytes of a write that fill the log, so that SQLite empties it before the write is
#: done: its own default is a thousand pages.
LOG_SIZE = 4_000_000

_PAGES = 1000


@contextmanager
def after_it(cache: diskcache.Cache, size: int) -> Iterator[None]:
    """Have a large write emptied out of the log after it is there for readers.

    To empty it takes two or three times as long as the write, and a page waits for the
    write. Use it around a transaction, not in one.

    Args:
        cache: a thread's connection to it is meant.
        size: of what is about to be written, in bytes.
    """
    if size < LOG_SIZE:
        yield
        return
    cache._sql("PRAGMA wal_autocheckpoint = 0")
    try:
        yield
    finally:
        # Should it fail, any later write does it.
        with suppress(sqlite3.Error):
            cache._sql(f"PRAGMA wal_autocheckpoint = {_PAGES}")
            cache._sql("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
