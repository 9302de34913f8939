"""Heartbeats show whether processes on other hosts are alive."""

from __future__ import annotations

#: Seconds between two heartbeats of a process.
INTERVAL = 2.0

#: A dispatcher counts as hung after so many intervals without a sign of life.
MISSED = 5

#: Seconds without a heartbeat after which another host counts as gone.
SILENCE = 20.0


class Heartbeats:
    """Notices which hosts have stopped writing heartbeats.

    It compares no clocks: a heartbeat is any new value, and only this process measures
    how long none has come.
    """

    def __init__(self) -> None:
        self._last: dict[str, tuple[float | None, float]] = {}

    def is_silent(self, host: str, heartbeat: float | None, now: float) -> bool:
        """Return whether a host has been silent for too long.

        Args:
            host: which one.
            heartbeat: the newest of its processes; None if it has none.
            now: by the monotonic clock.
        """
        last, at = self._last.get(host, (None, None))
        if at is None or heartbeat != last:
            self._last[host] = (heartbeat, now)
            return False
        return now - at > SILENCE

    def has_changed(self, host: str, heartbeat: float) -> bool:
        """Return whether a host is certainly alive: it has sent a new heartbeat."""
        last, _ = self._last.get(host, (None, 0.0))
        return last is not None and last != heartbeat
