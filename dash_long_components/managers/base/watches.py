"""Watches notice changes of jobs while pages wait for them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from ...core.snapshots import Snapshot


class Watch(ABC):
    """Notices soon which jobs have changed, at little cost. One thread uses it.

    It may miss a change: all jobs are read every few seconds besides.

    Attributes:
        pause: the shortest time between two calls of ``changed``, in seconds.
    """

    pause = 0.02

    @abstractmethod
    def changed(self, cursors: Mapping[str, int], new: Collection[str]) -> list[str]:
        """Return the tickets whose jobs are newer than their cursors.

        Args:
            cursors: of all watched jobs, by ticket.
            new: the tickets among them that the last call did not have.

        Raises:
            StoreUnavailableError: the manager is not responding.
        """

    def close(self) -> None:  # noqa: B027
        """Release the resources of the watch."""


class _Reader(Protocol):
    """What reads jobs."""

    def read_all(self, readings: Sequence[tuple[str, int]]) -> list[Snapshot | None]:
        """Read several jobs at once, by position; None for a job that is missing."""


class ReadingWatch(Watch):
    """Reads all jobs to notice what has changed, a few times a second."""

    pause = 0.25

    def __init__(self, manager: _Reader) -> None:
        self._manager = manager

    def changed(self, cursors: Mapping[str, int], new: Collection[str]) -> list[str]:
        readings = list(cursors.items())
        return [
            ticket
            for (ticket, cursor), snapshot in zip(
                readings, self._manager.read_all(readings), strict=True
            )
            if snapshot is None or snapshot.cursor > cursor
        ]
