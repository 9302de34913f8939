"""Free ports that stay free until the server of a test listens there.

The system assigns ports from 32768 on to outgoing connections, so that a free one may
be taken a moment later. These ports are lower. Each test process has its own block.
"""

from __future__ import annotations

import itertools
import socket

FIRST, LAST, BLOCK = 20_000, 32_000, 200


def free_port() -> int:
    """Return a free port that no other test process gets."""
    return next(port for port in _ports if is_free(port))


def is_free(port: int) -> bool:
    """Return whether a server can listen on a port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _take_block() -> tuple[int, socket.socket]:
    """Return the first port of a block, and a socket that reserves the block.

    It is a UDP socket: the port stays free for TCP. The system closes it at the end of
    the process.
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
#: Cyclic, so that the port of a server that has just ended is not the next one.
_ports = itertools.cycle(range(_first, _first + BLOCK))
