"""Whether Celery's broker responds."""

from __future__ import annotations

import threading
import time

import celery

from .call_with_timeout import SingleCall
from .sending import tell_broker

#: Seconds between two connections: probes ask more often, from many places.
_FRESH = 5.0


class Broker:
    """Connects with the broker now and then.

    Args:
        app: of the broker.
    """

    def __init__(self, app: celery.Celery) -> None:
        self._app = app
        self._calls = SingleCall()
        self._lock = threading.Lock()
        self._responds = True
        self._due = 0.0

    def responds(self) -> bool:
        """Tell whether the broker accepts a connection, or did a moment ago."""
        with self._lock:
            if time.monotonic() >= self._due:
                self._responds = self._connects()
                self._due = time.monotonic() + (_FRESH if self._responds else 0.0)
            return self._responds

    def _connects(self) -> bool:
        try:
            connect(self._app, self._calls)
        except Exception:
            return False
        return True


def connect(app: celery.Celery, calls: SingleCall | None = None) -> None:
    """Connect with the broker of an app, in time.

    Args:
        app: of the broker.
        calls: as for ``tell_broker``.

    Raises:
        Exception: it does not respond. Each broker has exceptions of its own.
    """

    def try_once() -> None:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1)

    tell_broker(app, try_once, calls)
