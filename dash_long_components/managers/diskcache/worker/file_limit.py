"""The limit on the size of files (RLIMIT_FSIZE), which a job may lower for itself."""

from __future__ import annotations

import sys
from contextlib import suppress

if sys.platform != "win32":
    import resource


class FileLimit:
    """This process's limit on the size of files, beside what it was at first."""

    def __init__(self) -> None:
        self._first = _limit()

    @property
    def is_lower(self) -> bool:
        """Whether this process can write less than at first."""
        return _limit() < self._first

    def lift(self) -> None:
        """Raise the limit as far as any process may. No effect on Windows."""
        if sys.platform != "win32":
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            with suppress(ValueError, OSError):
                resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def _limit() -> float:
    """Return the largest size of a file that this process can write, in bytes."""
    if sys.platform != "win32":
        soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        if soft != resource.RLIM_INFINITY:
            return soft
    return float("inf")
