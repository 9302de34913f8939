"""Connections that the import of the app opened, and that all its jobs would share."""

from __future__ import annotations

import gc
import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import closing, suppress

import diskcache
import psutil

#: The usual servers of some ports.
SERVICES = {
    1433: "SQL Server",
    1521: "Oracle",
    3306: "MySQL",
    5432: "PostgreSQL",
    5672: "RabbitMQ",
    6379: "Redis",
    9042: "Cassandra",
    11211: "memcached",
    27017: "MongoDB",
}

_SQLITE = b"SQLite format 3\0"

#: Input and outputs. Under systemd they are connections to its log.
_STANDARD = {"0", "1", "2"}


def connections(own: str) -> list[str]:
    """Return the open connections of this process to servers and databases, by name.

    Empty where the system does not tell.

    Args:
        own: the folder of the job store, which closes its connections before a fork.
    """
    with suppress(psutil.Error, OSError, NotImplementedError):
        return sorted({*_sockets(), *_databases(own)})
    return []


def _sockets() -> Iterator[str]:
    for number in map(int, set(os.listdir("/dev/fd")) - _STANDARD):
        with suppress(OSError):  # closed meanwhile, or not connected
            if not stat.S_ISSOCK(os.fstat(number).st_mode):
                continue
            with closing(socket.socket(fileno=os.dup(number))) as each:
                is_stream = each.type == socket.SOCK_STREAM
                if is_stream and (peer := _name(each.getpeername())):
                    yield peer


def _name(peer: object) -> str:
    """Return the name of a server by its address; empty for a pair in this process."""
    if isinstance(peer, tuple):
        host, port = peer[:2]
        service = SERVICES.get(port)
        return f"{host}:{port} ({service})" if service else f"{host}:{port}"
    return peer.decode(errors="replace") if isinstance(peer, bytes) else str(peer)


def _databases(own: str) -> Iterator[str]:
    exempt = {os.path.realpath(folder) for folder in [own, *_caches()]}
    for file in psutil.Process().open_files():
        is_exempt = os.path.dirname(os.path.realpath(file.path)) in exempt
        if not is_exempt and _is_sqlite(file.fd):
            yield f"{file.path} (SQLite)"


def _caches() -> Iterator[str]:
    """Yield the folders of caches, which connect again in another process."""
    for each in gc.get_objects():
        if issubclass(type(each), diskcache.Cache):
            yield each.directory


def _is_sqlite(fd: int) -> bool:
    if sys.platform == "win32":
        return False  # no process is forked there
    # A file that is opened and closed again loses SQLite's locks.
    with suppress(OSError):
        return os.pread(fd, len(_SQLITE), 0) == _SQLITE
    return False
