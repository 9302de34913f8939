"""Checks of numbers that users pass, by the name of the argument.

Each raises a ValueError that names the argument, the value and what it takes.
"""

from __future__ import annotations

from typing import Any

#: The largest integer that JavaScript has exactly.
MAX_JS_INTEGER = 2**53 - 1

_SECONDS = "seconds, above zero"
_COUNT = "a whole number above zero"


def seconds(name: str, value: Any) -> float:
    """Return a time of more than zero seconds."""
    if not _is_time(value):
        raise _refusal(name, _SECONDS, value)
    return float(value)


def seconds_or_none(name: str, value: Any) -> float | None:
    """Return a time of more than zero seconds, or None."""
    if not (value is None or _is_time(value)):
        raise _refusal(name, f"{_SECONDS}, or None", value)
    return None if value is None else float(value)


def count(name: str, value: Any) -> int:
    """Return a whole number above zero."""
    if not _is_count(value):
        raise _refusal(name, _COUNT, value)
    return int(value)


def count_or_none(name: str, value: Any) -> int | None:
    """Return a whole number above zero, or None."""
    if not (value is None or _is_count(value)):
        raise _refusal(name, f"{_COUNT}, or None", value)
    return None if value is None else int(value)


def _is_time(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value < float("inf")


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _refusal(name: str, what: str, value: Any) -> ValueError:
    return ValueError(f"{name} takes {what}, not {value!r}.")
