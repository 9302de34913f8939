"""Notices which jobs of a store have changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from ...core.ids import Ticket
from ..base import Watch
from ..store.outages import access
from ..store.store import Store


class StoreWatch(Watch):
    """Reads jobs only when someone has written to the store since.

    Args:
        connect: returns the store, another one after it was removed.
    """

    def __init__(self, connect: Callable[[], Store]) -> None:
        self._connect = connect
        self._last: tuple[Store, int] | None = None

    def changed(self, cursors: Mapping[str, int], new: Collection[str]) -> list[str]:
        store = self._connect()
        with access(store):
            # The version comes first: a write during the read shows the next time.
            version = (store, store.version())
            asked = new if version == self._last else cursors
            tickets = {ticket: Ticket.parse(ticket).job for ticket in asked}
            if not tickets:
                return []
            records = store.read_all(list(set(tickets.values())))
        self._last = version
        return [
            ticket
            for ticket, job in tickets.items()
            if job not in records or records[job].cursor > cursors[ticket]
        ]

    def close(self) -> None:
        if self._last is not None:
            self._last[0].close()
