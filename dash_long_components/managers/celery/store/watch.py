"""Notices which jobs of a Celery result backend have changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ....core import reading
from ....core.ids import Ticket
from ....core.records import Record
from ...base import ReadingWatch, Watch
from ..backends.base import Announcements
from .store import CeleryStore


class CeleryWatch(Watch):
    """Reads the jobs that workers announce; all of them where workers can't.

    Args:
        store: of the jobs.
    """

    def __init__(self, store: CeleryStore) -> None:
        self._store = store
        self._announcements: Announcements | None = store.documents.announcements()
        if self._announcements is None:
            self.pause = ReadingWatch.pause

    def changed(self, cursors: Mapping[str, int], new: Collection[str]) -> list[str]:
        tickets = [Ticket.parse(ticket) for ticket in self._asked(cursors, new)]
        if not tickets:
            return []
        records = self._store.read_all([ticket.job for ticket in tickets])
        return [
            str(ticket)
            for ticket, record in zip(tickets, records, strict=True)
            if record is None or _is_news(record, ticket, cursors[str(ticket)])
        ]

    def _asked(
        self, cursors: Mapping[str, int], new: Collection[str]
    ) -> Collection[str]:
        if self._announcements is None:
            return cursors
        jobs = self._store.documents.taken_from(self._announcements)
        if jobs is None:
            return cursors
        announced = [t for t in cursors if Ticket.parse(t).job in jobs] if jobs else []
        return {*announced, *new}

    def close(self) -> None:
        if self._announcements is not None:
            self._announcements.close()


def _is_news(record: Record, ticket: Ticket, cursor: int) -> bool:
    try:
        return reading.since(record, cursor, ticket.requester).cursor > cursor
    except KeyError:
        return True
