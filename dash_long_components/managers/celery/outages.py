"""Log an outage of the result backend once when it starts, and once when it ends."""

from __future__ import annotations

import logging
import threading

logger = logging.getLogger("dash_long_components")


class BackendOutages:
    """The last state of the backend that one process has logged."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_out = False

    def failed(self, message: str) -> None:
        """Log a failed access, unless the outage is known."""
        with self._lock:
            is_new, self._is_out = not self._is_out, True
        if is_new:
            logger.warning("%s", message)

    def succeeded(self) -> None:
        """Log that the backend is back, if it was away."""
        if not self._is_out:  # without the lock: this is the rule
            return
        with self._lock:
            was_out, self._is_out = self._is_out, False
        if was_out:
            logger.warning("Celery's result backend responds again.")
