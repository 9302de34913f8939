"""Find the Python that runs the dispatcher. The server's program may be another."""

from __future__ import annotations

import logging
import multiprocessing
import os
import re
import sys
from collections.abc import Iterator

logger = logging.getLogger("dash_long_components")

_WAY_OUT = (
    "Set sys.executable to the path of one before you make the manager, or use Celery."
)

#: Names of interpreters: ``python3.11``, ``pypy3``, ``pythonw.exe``.
_NAME = re.compile(r"(python|pypy)w?\d*(\.\d+)*t?d?(\.exe)?", re.IGNORECASE)


def find() -> str | None:
    """Return the path of this process's Python, or None if there is none.

    A server that embeds Python, like uWSGI, says that it is the interpreter itself.
    """
    for path in _candidates():
        if _NAME.fullmatch(os.path.basename(path)) and os.access(path, os.X_OK):
            return path
    return None


def warn_if_missing() -> None:
    """Say at the start of a server that it can't run jobs, before the first one."""
    if find() is None:
        logger.error("Jobs on Diskcache can't run here: %s. %s", missing(), _WAY_OUT)


def missing() -> str:
    return f"{sys.executable!r} is no Python interpreter, and {sys.prefix!r} has none"


def _candidates() -> Iterator[str]:
    if getattr(sys, "frozen", False):
        return  # its modules are in a program that runs nothing else
    yield sys.executable or ""
    yield getattr(sys, "_base_executable", None) or ""
    folder = "Scripts" if sys.platform == "win32" else "bin"
    ending = ".exe" if sys.platform == "win32" else ""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for prefix in dict.fromkeys((sys.prefix, sys.exec_prefix, sys.base_prefix)):
        for directory in (os.path.join(prefix, folder), prefix):
            for name in (f"python{version}", "python3", "python"):
                yield os.path.join(directory, name + ending)


def check_start_method(value: str | None) -> str:
    """Return the start method of processes that a user has chosen, or the default.

    Raises:
        ValueError: there is no such method.
    """
    if value is None:
        # macOS has fork, but its system libraries do not survive one.
        return "fork" if sys.platform == "linux" else "spawn"
    if value not in multiprocessing.get_all_start_methods() or value == "forkserver":
        raise ValueError(f'start_method takes "fork" or "spawn", not {value!r}.')
    return value
