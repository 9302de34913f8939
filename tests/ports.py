"""Ports that stay free from when a test finds one until its server listens.

The system gives out numbers of a range of its own, from 32768 on at the lowest, to
whatever connects or asks for any port; there, one that was free a moment ago may be
taken. Ours lie below. Each process has a block of them to itself.
"""

from __future__ import annotations

import itertools
import socket

FIRST, LAST, BLOCK = 20_000, 32_000, 200


def free_port() -> int:
    """Return a free port that no other test process gets."""
    return next(port for port in _ports if is_free(port))


def is_free(port: int) -> bool:
    """Tell whether a server could listen on a port, as servers do."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _take_block() -> tuple[int, socket.socket]:
    """Return the first port of a block, and what keeps other processes from it.

    A UDP socket: it leaves the number free for TCP, and goes with the process.
    """
    for first in range(FIRST, LAST, BLOCK):
        guard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            guard.bind(("127.0.0.1", first))
        except OSError:
            guard.close()
        else:
            return first, guard
    raise OSError(f"All ports from {FIRST} to {LAST} are taken by other tests.")


_first, _guard = _take_block()
#: In a circle, so that the port of a server that has just ended is not the next.
_ports = itertools.cycle(range(_first, _first + BLOCK))
