"""The watch over a dispatcher that starts: it imports the app, and sends no heartbeats.

A long import looks like a hang. So it has a time limit, and only a process that was
stopped (SIGSTOP) counts as hung before that.
"""

from __future__ import annotations

from ...identity import Process
from ...processes import is_stopped
from ...store.heartbeats import INTERVAL, MISSED

#: Seconds that the import of an app may take, by default.
START_TIMEOUT = 600.0


class StartWatchdog:
    """Watches the dispatcher that starts, at every heartbeat of a server.

    Attributes:
        timeout: seconds that a start may take.
        seconds: for how long the current one has been starting; 0 if none is.
    """

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout
        self.seconds = 0.0
        self._process: Process | None = None
        self._stopped = 0

    def look(self, process: Process | None) -> str | None:
        """Look at the dispatcher that starts now, if one does.

        Returns:
            Why it has to be replaced; None if it has not.
        """
        is_same = process is not None and process == self._process
        self._process = process
        self.seconds = self.seconds + INTERVAL if is_same else 0.0
        stopped = process is not None and is_stopped(process.pid)
        self._stopped = self._stopped + 1 if is_same and stopped else 0
        if self._stopped >= MISSED:
            return f"was stopped for {MISSED * INTERVAL:.0f} s while it started"
        if self.seconds >= self.timeout:
            return f"has not started in {self.timeout:g} s (start_timeout)"
        return None
