"""A process's connection with the job store, and with the dispatcher."""

from __future__ import annotations

import atexit
import functools
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from ....exceptions import StoreError, StoreUnavailableError
from ...store.database import FOLDER
from .directory import warn_if_private

if TYPE_CHECKING:
    from ...store.store import Store
    from ..dispatcher.settings import Settings
    from .launcher import Launcher

P = ParamSpec("P")
T = TypeVar("T")


class Connection:
    """Opens the job store and the launcher of this process, each when it is needed.

    A forked process opens its own.

    Attributes:
        directory: of the job store.

    Args:
        cache_directory: of the cache, which has the job store in it.
        result_ttl: seconds to keep the record of an ended job.
        settings: returns those of a dispatcher that has to be started.
        start_timeout: seconds that a dispatcher may take to start.
    """

    def __init__(
        self,
        cache_directory: str,
        result_ttl: float,
        settings: Callable[[], Settings],
        start_timeout: float,
    ) -> None:
        self.directory = os.path.join(cache_directory, FOLDER)
        self._cache_directory = cache_directory
        self._result_ttl = result_ttl
        self._settings = settings
        self._start_timeout = start_timeout
        self._lock = threading.Lock()
        self._store: tuple[int, Store] | None = None
        self._launcher: Launcher | None = None

    def store(self) -> Store:
        """Return the job store of this process.

        Reading from code needs no more: a script that lists jobs starts no dispatcher.
        """
        pid, store = self._store or (None, None)
        if store is None or pid != os.getpid():
            with self._lock:
                store = self._store_in_lock()
        return store

    def _store_in_lock(self) -> Store:
        from ...store.store import Store

        pid, store = self._store or (None, None)
        if store is None or pid != os.getpid():
            warn_if_private(self._cache_directory)
            store = Store(self.directory, self._result_ttl)
            self._store = (os.getpid(), store)
        return store

    def existing_launcher(self) -> Launcher | None:
        """Return the launcher of this process, if it has one."""
        launcher = self._launcher
        return launcher if launcher and launcher.pid == os.getpid() else None

    def launcher(self) -> Launcher:
        """Return the launcher of this process, which then wants a dispatcher."""
        launcher = self.existing_launcher()
        if launcher is None:
            with self._lock:
                launcher = self.existing_launcher()
                if launcher is None:
                    launcher = self._launcher = self._make_launcher()
        return launcher

    def _make_launcher(self) -> Launcher:
        from ...store import outages
        from .launcher import Launcher

        store = self._store_in_lock()
        settings = self._settings()
        with outages.access(store):
            launcher = Launcher(store, settings, self._start_timeout)
        # Exit handlers run in reverse order, so that its thread can close its own
        # connection before those that are left close.
        atexit.register(weakref.finalize(self, launcher.close))
        return launcher

    def close(self) -> None:
        """Close both. The next call opens new ones. Idempotent."""
        with self._lock:
            launcher, self._launcher = self._launcher, None
            store, self._store = self._store, None
        if launcher is not None:
            launcher.close()
        elif store is not None and store[0] == os.getpid():
            with suppress(StoreError, sqlite3.Error):
                store[1].close()


class _Connected(Protocol):
    """An object that works with the job store of a connection."""

    _connection: Connection

    def close(self) -> None:
        """Close the connection. The next call opens a new one."""


Self = TypeVar("Self", bound=_Connected)


def tells_outages(
    method: Callable[Concatenate[Self, P], T],
) -> Callable[Concatenate[Self, P], T]:
    """Have a method raise StoreUnavailableError while the store is unavailable."""

    @functools.wraps(method)
    def tell(self: Self, /, *args: P.args, **kwargs: P.kwargs) -> T:
        from ...store.outages import access

        try:
            with access(self._connection.store()):
                return method(self, *args, **kwargs)
        except StoreUnavailableError:
            raise
        except StoreError:
            self.close()  # the next call opens a new store
            raise

    return tell
