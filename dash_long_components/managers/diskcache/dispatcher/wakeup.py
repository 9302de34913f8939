"""An empty datagram on the loopback that wakes the dispatcher."""

from __future__ import annotations

import socket
from contextlib import suppress

_HOST = "127.0.0.1"


class Wakeup:
    """Waits to be woken. Wake-ups that come while it does not wait become one."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((_HOST, 0))
        self.port: int = self._socket.getsockname()[1]
        self._waker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._waker.connect((_HOST, self.port))
        self._waker.setblocking(False)

    @property
    def waker_fd(self) -> int:
        """A file descriptor that rings when a byte is written to it."""
        return self._waker.fileno()

    def wait(self, timeout: float) -> None:
        """Wait for a ring, or for ``timeout`` seconds."""
        # It waits by poll(): select() takes no file descriptor above 1023.
        self._socket.settimeout(timeout)
        with suppress(TimeoutError, BlockingIOError):
            while True:
                self._socket.recv(1)
                self._socket.settimeout(0)

    def __enter__(self) -> Wakeup:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._waker.close()


def wake(port: int) -> None:
    """Wake the process that waits at a port of this machine, if there is one.

    It looks around by itself too. So a datagram that can't be sent is no error.
    """
    with (
        suppress(OSError),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker,
    ):
        waker.sendto(b"", (_HOST, port))
