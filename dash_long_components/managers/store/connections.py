"""Connections to SQLite: one for each thread, closed with it, not used in a fork."""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable

#: Open connections of this process, by their ``id``, with the thread that may use each;
#: None for one that all threads may use.
_open: dict[int, tuple[sqlite3.Connection, threading.Thread | None]] = {}

#: Connections of the process that this one was forked from. SQLite forbids to use or
#: to close them here, and Python closes what nothing refers to.
_inherited: list[sqlite3.Connection] = []


def _leave_to_parent() -> None:
    _inherited.extend(connection for connection, _ in _open.values())
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


class Connections:
    """A connection for each thread that asks for one.

    Args:
        connect: opens one.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._local = threading.local()

    def get(self) -> sqlite3.Connection:
        """Return the connection of this thread; open it if there is none."""
        own: SelfClosing | None = getattr(self._local, "own", None)
        if own is None or own.pid != os.getpid():
            thread = threading.current_thread()
            own = self._local.own = SelfClosing(self._connect(), thread)
        return own.connection

    def close(self) -> None:
        """Close the connection of this thread, if it has one. Idempotent."""
        own: SelfClosing | None = getattr(self._local, "own", None)
        if own is not None:
            del self._local.own
            own.close()


class SelfClosing:
    """Closes a connection when nothing refers to this object any more.

    Args:
        connection: may be closed from any thread.
        thread: which uses it; None if any may.
    """

    def __init__(
        self, connection: sqlite3.Connection, thread: threading.Thread | None = None
    ) -> None:
        self.connection = connection
        self.pid = os.getpid()
        _open[id(connection)] = connection, thread
        self.close = weakref.finalize(self, _close, connection, self.pid)
        self.close.atexit = False


def _close(connection: sqlite3.Connection, pid: int) -> None:
    if pid == os.getpid():
        _open.pop(id(connection), None)
        connection.close()


@atexit.register
def _close_unused() -> None:
    """Close the connections that no thread uses, when the process exits.

    SQLite crashes where a connection closes while a thread uses it, as daemon threads
    do until the end.
    """
    for connection, thread in list(_open.values()):
        if not _is_in_use(thread):
            _close(connection, os.getpid())


def _is_in_use(thread: threading.Thread | None) -> bool:
    """Return whether another thread than this one may use a connection now."""
    if thread is None:
        return threading.active_count() > 1
    return thread is not threading.current_thread() and thread.is_alive()
