"""Outages of a store: locked by another program, on a full disk, read-only."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

import diskcache

from ...exceptions import StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from ..store.store import Store

T = TypeVar("T")

logger = logging.getLogger("dash_long_components")

#: Seconds between two tries of who has nothing better to do than wait.
PAUSE = 0.5


@contextmanager
def told(store: Store) -> Iterator[None]:
    """Tell an outage of a store from what else may go wrong with it.

    Raises:
        StoreUnavailableError: the store can't be read or written now.
        StoreError: it is gone.
    """
    try:
        yield
    except (sqlite3.OperationalError, diskcache.Timeout) as error:
        # A commit that failed leaves the connection in the middle of a transaction.
        with suppress(sqlite3.Error):
            store.close()
        # Where there is no file, SQLite makes an empty one.
        if "no such table" in str(error) or not os.path.isdir(store.directory):
            raise StoreError(
                f"The jobs in {store.directory} are gone: it was removed."
            ) from error
        raise StoreUnavailableError(
            f"The jobs in {store.directory} can't be read or written now: "
            f"{str(error) or 'the database is locked'}."
        ) from error


def outlast(store: Store, action: Callable[[], T]) -> T:
    """Do something with a store, whole or not at all, when it is to be used again.

    Raises:
        StoreError: it is gone.
    """
    while True:
        try:
            with told(store):
                return action()
        except StoreUnavailableError as error:
            logger.warning("%s", error)
            time.sleep(PAUSE)
