"""Notices that the server was told to stop.

Asynchronous servers wait for the requests that are open, and tell the app only then.
So the signal itself is observed, on its way to the server's own handler. And servers
are seen to listen no more: one in a thread, one at its limit of requests, or one whose
parent process tells it to stop, gets no signal.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import threading
import weakref
from collections.abc import Iterator
from types import FrameType
from typing import Any, Protocol

#: As far as the system has them.
_SIGNALS = [
    getattr(signal, name)
    for name in ("SIGTERM", "SIGINT", "SIGBREAK")
    if hasattr(signal, name)
]


#: Seconds between two looks whether servers still listen.
TICK = 0.1


class Waiting(Protocol):
    """Something that waits, and ends at a shutdown."""

    def set(self) -> None: ...


#: The held requests of this process.
_waiting: set[Waiting] = set()

#: The handlers of the server, by signal.
_handlers: dict[int, Any] = {}

_has_begun = False


class _Servers:
    """The servers of an event loop, and what waits on it for their end.

    Args:
        loop: which one.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: set[Waiting] = set()
        self._is_looking = False
        # uvloop's are of another class than asyncio's, with the same methods.
        self._servers: list[asyncio.Server] = [
            each
            for each in gc.get_objects()
            if type(each).__name__ == "Server"
            and hasattr(type(each), "is_serving")
            and each.get_loop() is loop
        ]

    @property
    def have_stopped(self) -> bool:
        """Whether none listens any more. False without servers, as in a test."""
        return bool(self._servers) and not any(
            each.is_serving() for each in self._servers
        )

    def add(self, waiting: Waiting) -> None:
        self._waiting.add(waiting)
        if not self._is_looking:
            self._is_looking = True
            self._look()

    def remove(self, waiting: Waiting) -> None:
        self._waiting.discard(waiting)

    def _look(self) -> None:
        if self.have_stopped:
            for waiting in list(self._waiting):
                waiting.set()
        self._is_looking = bool(self._waiting)
        if self._is_looking:
            self._loop.call_later(TICK, self._look)


#: What is known of each event loop.
_of_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Servers] = (
    weakref.WeakKeyDictionary()
)


def _servers_of_loop() -> _Servers:
    """Return the servers of this event loop, after a stop those that are new, too."""
    loop = asyncio.get_running_loop()
    if loop not in _of_loops or _of_loops[loop].have_stopped:
        _of_loops[loop] = _Servers(loop)
    return _of_loops[loop]


def has_begun() -> bool:
    """Return whether the server of this event loop was told to stop."""
    return _has_begun or _servers_of_loop().have_stopped


@contextlib.contextmanager
def waking(waiting: Waiting) -> Iterator[None]:
    """Wake something that waits on this event loop when its server is told to stop."""
    _observe()
    servers = _servers_of_loop()
    _waiting.add(waiting)
    servers.add(waiting)
    try:
        yield
    finally:
        _waiting.discard(waiting)
        servers.remove(waiting)


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
