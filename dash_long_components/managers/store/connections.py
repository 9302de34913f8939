"""Connections to SQLite: one for each thread, closed with it, not used in a fork."""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable

#: Open connections of this process, by their ``id``.
_open: dict[int, sqlite3.Connection] = {}

#: Connections of the process that this one was forked from. SQLite forbids to use or
#: to close them here, and Python closes what nothing refers to.
_inherited: list[sqlite3.Connection] = []


def _leave_to_parent() -> None:
    _inherited.extend(_open.values())
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
            own = self._local.own = SelfClosing(self._connect())
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
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.pid = os.getpid()
        _open[id(connection)] = connection
        self.close = weakref.finalize(self, _close, connection, self.pid)


def _close(connection: sqlite3.Connection, pid: int) -> None:
    if pid == os.getpid():
        _open.pop(id(connection), None)
        connection.close()
