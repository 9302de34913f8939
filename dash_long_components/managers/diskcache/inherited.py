"""Connections that the import of the app opened, and that all its jobs would share."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

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

#: A diskcache.Cache sees that it is in another process, and connects again.
_OF_DISKCACHE = "cache.db"


def connections(own: str) -> list[str]:
    """Return the open connections of this process to servers and databases, by name.

    Empty where the system does not tell.

    Args:
        own: the folder of the job store, which closes its connections before a fork.
    """
    with suppress(psutil.Error, OSError, NotImplementedError):
        process = psutil.Process()
        return sorted({*_sockets(process), *_databases(process, own)})
    return []


def _sockets(process: psutil.Process) -> list[str]:
    found = []
    for connection in process.net_connections("inet"):
        if connection.type == socket.SOCK_STREAM and connection.raddr:
            host, port = connection.raddr
            service = SERVICES.get(port)
            name = f" ({service})" if service else ""
            found.append(f"{host}:{port}{name}")
    return found


def _databases(process: psutil.Process, own: str) -> list[str]:
    paths = (file.path for file in process.open_files())
    return [
        f"{path} (SQLite)"
        for path in paths
        if os.path.basename(path) != _OF_DISKCACHE
        and os.path.dirname(path) != os.path.realpath(own)
        and _is_sqlite(Path(path))
    ]


def _is_sqlite(path: Path) -> bool:
    with suppress(OSError), path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE
    return False
