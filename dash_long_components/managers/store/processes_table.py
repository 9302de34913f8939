"""The processes of a store: dispatchers, and the servers that want them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..processes import Process
from .tables import Table, transaction

if TYPE_CHECKING:
    import diskcache


class ProcessRegistry:
    """Who dispatches the jobs of each code version of the app, and for whom.

    Args:
        cache: where it is kept. Every change is a transaction of its own, or part of
            the caller's.
    """

    def __init__(self, cache: diskcache.Cache) -> None:
        self._cache = cache
        self._dispatchers = Table(cache, "dispatchers")
        self._clients = Table(cache, "clients")

    def claim(self, code: str, dispatcher: Process, **about: Any) -> bool:
        """Become the dispatcher of a code version, or tell more about it as such.

        False if there is another one that lives. Atomic.
        """
        with transaction(self._cache):
            dispatchers = self._dispatchers.read()
            mine = dispatchers.get(code, {}).get("process") == dispatcher.to_list()
            if not mine and self._has_dispatcher(code):
                return False
            dispatchers[code] = {"process": dispatcher.to_list(), **about}
            self._dispatchers.write(dispatchers)
            return True

    def resign(self, code: str) -> None:
        """Undo ``claim``. Idempotent."""
        self._remove(self._dispatchers, code)

    def dispatchers(self) -> dict[str, dict[str, Any]]:
        """Return what the dispatchers said of themselves, by code version.

        Some may be dead: those that ended without resigning.
        """
        return self._dispatchers.read()

    def add_client(self, code: str, client: Process) -> None:
        """Note that a server process wants a dispatcher of this code version."""
        with transaction(self._cache):
            clients = self._clients.read()
            living = [
                item
                for item in clients.get(code, [])
                if Process.from_list(item).is_alive() and item != client.to_list()
            ]
            clients[code] = [*living, client.to_list()]
            self._clients.write(clients)

    def remove_client(self, code: str, client: Process) -> None:
        """Undo ``add_client``. Idempotent."""
        with transaction(self._cache):
            clients = self._clients.read()
            if client.to_list() in clients.get(code, []):
                clients[code].remove(client.to_list())
                self._clients.write(clients)

    def has_clients(self, code: str) -> bool:
        """Tell whether a living server process wants this code version's dispatcher."""
        clients = self._clients.read().get(code, [])
        return any(Process.from_list(client).is_alive() for client in clients)

    def has_any_client(self) -> bool:
        """Tell whether any server process lives, of whatever code version."""
        return any(self.has_clients(code) for code in self._clients.read())

    def abandoned(self) -> list[str]:
        """Return the code versions that no living process stands for any more."""
        return [
            code
            for code in {**self._dispatchers.read(), **self._clients.read()}
            if not self.has_clients(code) and not self._has_dispatcher(code)
        ]

    def forget(self, code: str) -> None:
        """Remove a code version and all its processes. Idempotent."""
        self._remove(self._dispatchers, code)
        self._remove(self._clients, code)

    def _has_dispatcher(self, code: str) -> bool:
        dispatcher = self.dispatchers().get(code)
        return bool(dispatcher and Process.from_list(dispatcher["process"]).is_alive())

    def _remove(self, table: Table, code: str) -> None:
        with transaction(self._cache):
            rows = table.read()
            if rows.pop(code, None) is not None:
                table.write(rows)
