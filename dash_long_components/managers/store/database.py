"""The database of a store: transactions, and how its log is emptied."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any

from . import schema
from .connections import Connections, SelfClosing
from .errors import as_directory_errors, as_store_errors, gone

#: Name of the file in the directory of a store. ``diskcache.Cache.check(fix=True)``, of
#: the cache around it, deletes files whose path does not contain "cache.db".
FILE = "jobs.cache.db"

#: Name of that directory, in the directory of a cache.
FOLDER = "long-jobs"

#: Seconds to wait for another writer. A longer wait is an error: a user waits for the
#: answer to a request.
BUSY_TIMEOUT = 5.0

#: Bytes of one write that fill the log. SQLite would empty it before the write returns.
LOG_SIZE = 4_000_000

#: Milliseconds for which emptying the log waits for readers.
_PURGE_TIMEOUT = 100

_AUTOCHECKPOINT = 1000  # pages, as SQLite has it


class Database:
    """A SQLite database that all threads and processes of a machine share.

    Args:
        directory: of its file; made if it is missing, for this user only. None for a
            database in the memory of this process.
        is_in_use: whether the process that has sent this object uses the file.

    Raises:
        StoreUnavailableError: it is locked, damaged or of a newer version, or the disk
            is full.
        StoreError: the directory can't be used.
    """

    def __init__(self, directory: str | None, *, is_in_use: bool = False) -> None:
        self.path = os.path.join(directory, FILE) if directory else ":memory:"
        #: Device and number of the file; None before it was opened.
        self._file: tuple[int, int] | None = None
        self._is_in_use = is_in_use
        #: In memory all threads share one connection, one after the other.
        self._in_memory = None if directory else SelfClosing(_open_in_memory())
        self._shared = self._in_memory.connection if self._in_memory else None
        self._lock: Any = threading.RLock() if self._in_memory else nullcontext()
        self._connections = Connections(self._connect)
        self._connection()

    def _connect(self) -> sqlite3.Connection:
        self._check_file()
        with as_store_errors(self.path, "opened"):
            if self._file is None:
                with as_directory_errors(self.path):
                    schema.make_private(self.path)
            connection = _open(self.path, self._is_in_use)
        self._file, self._is_in_use = _identity(self.path), True
        return connection

    def _connection(self) -> sqlite3.Connection:
        if self._shared is not None:
            return self._shared
        connection = self._connections.get()
        if not connection.in_transaction:
            self._check_file()
        return connection

    def _check_file(self) -> None:
        # SQLite goes on with a file that was removed. Other processes would not see
        # what this one writes, nor this one what they do.
        if self._file is not None and _identity(self.path) != self._file:
            self._connections.close()
            raise gone(self.path)

    def query(self, sql: str, *values: Any) -> list[Any]:
        """Return the rows of a statement."""
        with self._lock:
            return self._connection().execute(sql, values).fetchall()

    def one(self, sql: str, *values: Any) -> Any:
        """Return the first row of a statement; None if there is none."""
        rows = self.query(sql, *values)
        return rows[0] if rows else None

    def value(self, sql: str, *values: Any) -> Any:
        """Return the first value of the first row; None if there is none."""
        row = self.one(sql, *values)
        return None if row is None else row[0]

    def version(self) -> int:
        """Return a number that changes when another connection has written.

        A number of one thread's connection means nothing to another thread.
        """
        version: int = self.value("PRAGMA data_version")
        return version

    def run(self, sql: str, *values: Any) -> int:
        """Run a statement and return how many rows it has changed.

        Call it in a transaction if more than one statement belongs together.
        """
        with self._lock:
            return self._connection().execute(sql, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make one change of all that is run in it. Atomic.

        No other writer comes between its reads and its writes. A transaction in a
        transaction is part of that one.
        """
        with self._lock:
            connection = self._connection()
            if connection.in_transaction:
                yield
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                # SQLite itself has rolled back after some errors.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def large_write(self, size: int) -> Iterator[None]:
        """Have a large write emptied out of the log after readers can see it.

        That takes two or three times as long as the write, and a page waits for the
        write. Use it around a transaction, not in one.

        Args:
            size: of the write, in bytes.
        """
        if size < LOG_SIZE or self._shared is not None:
            yield
            return
        self.query("PRAGMA wal_autocheckpoint = 0")
        try:
            yield
        finally:
            # If it fails, a later write does it.
            with suppress(sqlite3.Error):
                self.query(f"PRAGMA wal_autocheckpoint = {_AUTOCHECKPOINT}")
                self.query("PRAGMA wal_checkpoint(PASSIVE)")

    def purge(self) -> bool:
        """Overwrite what was deleted, in the log too. False if a reader was in the way.

        ``secure_delete`` overwrites it in the newest version of a page; the log holds
        older ones until it is emptied.
        """
        if self._shared is not None:
            return True
        self.query(f"PRAGMA busy_timeout = {_PURGE_TIMEOUT}")
        try:
            is_busy = self.value("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self.query(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")
        return not is_busy

    def close(self) -> None:
        """Close the connection of this thread. It opens again when needed.

        In memory there is none but that which holds the data; it stays.
        """
        self._connections.close()


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _open(path: str, is_in_use: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        _configure(connection)
        schema.prepare(connection, path, is_in_use=is_in_use)
    except BaseException:
        connection.close()
        raise
    return connection


def _configure(connection: sqlite3.Connection) -> None:
    # A power cut may take the last changes, but never damages the file.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA mmap_size = 67108864")


def _open_in_memory() -> sqlite3.Connection:
    connection = sqlite3.connect(
        ":memory:", isolation_level=None, check_same_thread=False
    )
    schema.migrate(connection, 0)
    return connection
