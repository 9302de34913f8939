"""Notices that the server was told to stop.

Asynchronous servers wait for the requests that are open, and tell the app only then.
So the signal itself is observed, on its way to the server's own handler.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any, Protocol

#: As far as the system has them.
_SIGNALS = [
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGBREAK")
    if hasattr(signal, name)
]


class Waiting(Protocol):
    """Something that waits, and ends at a shutdown."""

    def set(self) -> None: ...


#: What waits in this process.
_waiting: set[Waiting] = set()

#: The handlers of the server, by signal.
_handlers: dict[int, Any] = {}

_has_begun = False


def has_begun() -> bool:
    """Return whether the server was told to stop."""
    return _has_begun


@contextlib.contextmanager
def waking(waiting: Waiting) -> Iterator[None]:
    """Wake something that waits when the server is told to stop.

    It can't be noticed of a server in another thread than the main one.
    """
    _observe()
    _waiting.add(waiting)
    try:
        yield
    finally:
        _waiting.discard(waiting)


def _observe() -> None:
    """Observe the signals that the server handles. Idempotent."""
    global _has_begun
    if threading.current_thread() is not threading.main_thread():
        return
    for number in _SIGNALS:
        handler = signal.getsignal(number)
        # A signal without a handler ends the process at once, or does nothing.
        if handler is not _notice and callable(handler):
            _handlers[number] = handler
            signal.signal(number, _notice)
            # Another server of this process was told to stop, if any was.
            _has_begun = False


def _notice(number: int, frame: FrameType | None) -> None:
    global _has_begun
    _has_begun = True
    for waiting in list(_waiting):
        waiting.set()
    _handlers[number](number, frame)
