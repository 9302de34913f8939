"""The log of a job: short numbered lines, limited to the last ones.

A line on the wire is ``[number, text, time, level]``: its number from 1, and seconds
since the epoch. ``level`` is one of ``logging``; lines of level INFO have none.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence

#: Lines of a job in its record.
MAX_LINES = 100

#: Characters of a line in its record.
MAX_LENGTH = 500

#: A line on the wire.
Line = list[int | float | str]


def following(lines: Sequence[Line], text: str, time: float) -> Line:
    """Return a line of level WARNING that follows others."""
    return [last_number(lines) + 1, _cut(text), round(time, 1), logging.WARNING]


def last_number(lines: Sequence[Line]) -> int:
    """Return the number of the last line; 0 if there is none."""
    return int(lines[-1][0]) if lines else 0


class Lines:
    """The lines that are not written yet, at most ``MAX_LINES``. Thread-safe.

    Args:
        count: number of the last line that was written before.
    """

    def __init__(self, count: int = 0) -> None:
        self._lock = threading.Lock()
        self._count = count
        self._new: deque[Line] = deque(maxlen=MAX_LINES)

    def add(self, text: str, time: float, level: int = logging.INFO) -> None:
        """Add the lines of a text.

        Args:
            text: one line or several.
            time: seconds since the epoch.
            level: of ``logging``.
        """
        rest = [round(time, 1), *([] if level == logging.INFO else [level])]
        lines = text.splitlines() or [""]
        with self._lock:
            first = self._count + 1
            self._count += len(lines)
            self._new += [
                [number, _cut(line), *rest] for number, line in enumerate(lines, first)
            ]

    def take(self) -> list[Line]:
        """Remove and return the lines."""
        if not self._new:
            return []
        with self._lock:
            lines = list(self._new)
            self._new.clear()
            return lines


def _cut(line: str) -> str:
    return line if len(line) <= MAX_LENGTH else f"{line[: MAX_LENGTH - 1]}…"
