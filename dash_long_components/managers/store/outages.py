"""Outages of a store: it is locked by another program, or its disk is full."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from ...core.outage_log import OutageLog
from ...exceptions import (
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from .errors import as_store_errors

if TYPE_CHECKING:
    from .store import Store

T = TypeVar("T")

#: Seconds between two tries of a process that waits for the end of an outage.
PAUSE = 0.5


@contextmanager
def access(store: Store) -> Iterator[None]:
    """Access a store; turn the errors of its database and of the system into ours.

    Raises:
        StoreUnavailableError: the store, or what the block needs besides, can't be used
            now.
        StoreError: it was removed.
    """
    try:
        with as_store_errors(store.path, "read or written"):
            yield
    except StoreError:
        # The next try needs a new connection: this one may be in a transaction.
        with suppress(sqlite3.Error):
            store.close()
        raise


def can_end(error: StoreError) -> bool:
    """Return whether an outage may end by itself."""
    is_damaged = isinstance(error, StoreDamagedError)
    return isinstance(error, StoreUnavailableError) and not is_damaged


def store_log() -> OutageLog:
    """Return a log of the outages of a store."""
    return OutageLog("The job store")


def outlast(
    store: Store,
    action: Callable[[], T],
    full_timeout: float = float("inf"),
    log: OutageLog | None = None,
) -> T:
    """Do something with a store; after an outage, do it then. Whole or not at all.

    Args:
        store: which one.
        action: does it.
        full_timeout: seconds for which the disk may be full.
        log: of an outage that may have begun before.

    Raises:
        StoreFullError: it still is.
        StoreDamagedError: it will not get better by itself.
        StoreError: the store was removed.
    """
    log = log or store_log()
    deadline = time.monotonic() + full_timeout
    while True:
        try:
            with access(store):
                done = action()
        except StoreError as error:
            is_full = isinstance(error, StoreFullError)
            if not can_end(error) or (is_full and time.monotonic() >= deadline):
                raise
            log.begin(error)
            time.sleep(PAUSE)
        else:
            log.end()
            return done
