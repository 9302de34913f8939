"""Log an outage once when it begins, and once when it is over."""

from __future__ import annotations

import logging
import threading

logger = logging.getLogger("dash_long_components")


class OutageLog:
    """The last state of a service that this process has logged.

    Args:
        service: its name, at the beginning of a sentence.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._is_out = False

    def begin(self, why: object) -> None:
        """Log a failed access, unless the outage is known."""
        with self._lock:
            is_new, self._is_out = not self._is_out, True
        if is_new:
            logger.warning("%s", why)

    def end(self) -> None:
        """Log that the service responds again, if it did not."""
        if not self._is_out:  # without the lock: this is the rule
            return
        with self._lock:
            was_out, self._is_out = self._is_out, False
        if was_out:
            logger.warning("%s can be used again.", self._service)
