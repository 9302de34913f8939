"""The errors of SQLite as errors that name the file and the way out."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from ...exceptions import (
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)

#: Errors of SQLite if the disk, a quota or a limit has no room for a write.
_FULL = ("database or disk is full", "disk I/O error")


@contextmanager
def as_store_errors(path: str, what: str) -> Iterator[None]:
    """Turn the errors of SQLite into ours.

    Args:
        path: of the database.
        what: could not be done with it: "opened".

    Raises:
        StoreUnavailableError: it is locked for a while.
        StoreFullError: the disk has no room for this write.
        StoreDamagedError: it can't be read until someone removes it.
        StoreError: it was removed, or its directory can't be used.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        if not os.path.exists(path):
            raise gone(path) from error
        kind = StoreFullError if str(error) in _FULL else StoreUnavailableError
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
        raise StoreError(
            f"The job store {path} can't be {what}: {error}. Let the user of this "
            "process write to its directory, or give the manager another one."
        ) from error


def gone(path: str) -> StoreError:
    """Return the error of a database that was removed while it was in use."""
    return StoreError(f"The job store {path} was removed. Its jobs are gone.")
