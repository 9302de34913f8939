"""The errors of SQLite as errors that name the file and the way out."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from ...exceptions import (
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    StoreUnavailableError,
)

#: Errors of SQLite if the disk, a quota or a limit has no room for a write.
_FULL = ("database or disk is full", "disk I/O error")

#: The error of SQLite if the file, its directory or its disk may only be read.
_READ_ONLY = "attempt to write a readonly database"

#: Errors of the system for the same reason as ``_FULL``.
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)

#: Errors of the system that end by themselves, as when other files are closed.
_PASSING = (*_NO_SPACE, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO)


@contextmanager
def as_store_errors(path: str, what: str) -> Iterator[None]:
    """Turn the errors of SQLite and of the system into ours.

    Args:
        path: of the database.
        what: could not be done with it: "opened".

    Raises:
        StoreUnavailableError: it is locked for a while, or this process has no file
            descriptor left.
        StoreFullError: the disk has no room for this write.
        StoreReadOnlyError: it may only be read.
        StoreDamagedError: it can't be read until someone removes it.
        StoreError: it was removed.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        if not os.path.exists(path):
            raise gone(path) from error
        kind = _kind(str(error))
        raise kind(f"The job store {path} can't be {what} now: {error}.") from error
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise  # of a statement, not of the file
        raise StoreDamagedError(
            f"The job store {path} can't be {what}: {error}. Stop the app, move this "
            "file away, and start the app again: it makes a new one. The jobs in the "
            "file are lost."
        ) from error
    except OSError as error:
        is_full = error.errno in _NO_SPACE
        kind = StoreFullError if is_full else StoreUnavailableError
        raise kind(f"The job store {path} can't be {what} now: {error}.") from error


def _kind(message: str) -> type[StoreUnavailableError]:
    if message in _FULL:
        return StoreFullError
    return StoreReadOnlyError if message == _READ_ONLY else StoreUnavailableError


@contextmanager
def as_directory_errors(path: str) -> Iterator[None]:
    """Turn the error of a directory that can't be used into ours.

    Args:
        path: of the database in it.

    Raises:
        StoreError: it can't be used until someone changes it.
        OSError: it may be used later.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _PASSING:
            raise
        raise StoreError(
            f"The job store {path} can't be opened: {error}. Let the user of this "
            "process write to its directory, or give the manager another one."
        ) from error


def gone(path: str) -> StoreError:
    """Return the error of a database that was removed while it was in use."""
    return StoreError(f"The job store {path} was removed. Its jobs are gone.")
