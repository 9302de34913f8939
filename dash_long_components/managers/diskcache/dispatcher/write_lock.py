"""Processes that keep all others from writing to a store: stopped in a write."""

from __future__ import annotations

import re
from pathlib import Path

from ...processes import is_stopped

#: A lock of SQLite's writer in /proc/locks: of byte 120 of a file ``-shm``, by its
#: "WAL-mode File Format". A process that waits for one has an arrow before its kind.
_WRITER = re.compile(r"^\d+: POSIX +\w+ +WRITE +(\d+) \S+ 120 120$", re.MULTILINE)


def is_stopped_in_write(pid: int) -> bool:
    """Tell whether a process was stopped (SIGSTOP) while it wrote to a database.

    Only Linux says who writes. Elsewhere any process that was stopped may have.
    """
    if not is_stopped(pid):
        return False
    writers = _writers()
    return writers is None or pid in writers


def _writers() -> set[int] | None:
    """Return the processes that write to a database; None if the system can't tell."""
    try:
        text = Path("/proc/locks").read_text()
    except OSError:
        return None
    return {int(pid) for pid in _WRITER.findall(text)}
