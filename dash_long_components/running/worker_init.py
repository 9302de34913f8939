"""Functions that prepare a process for the jobs that it runs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[[], Any])

#: The functions, and the last process that each has prepared.
_prepared: dict[Callable[[], Any], int | None] = {}
_lock = threading.Lock()


def add(function: F) -> F:
    """Add a function. Idempotent."""
    _prepared.setdefault(function, None)
    return function


def has_any() -> bool:
    """Return whether the app has such functions."""
    return bool(_prepared)


def prepare() -> None:
    """Call every function that has not prepared this process yet.

    Raises:
        Exception: a function did. The next job calls it again.
    """
    with _lock:
        for function, pid in _prepared.items():
            if pid != os.getpid():
                function()
                _prepared[function] = os.getpid()
