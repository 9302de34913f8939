"""Checks of numbers that users pass, by the name of the argument."""

from __future__ import annotations

from typing import Any


def seconds(name: str, value: Any) -> float:
    """Return a time of more than zero seconds.

    Raises:
        ValueError: the value is not one; the message names the argument and the value.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and 0 < value < float("inf")):
        raise ValueError(f"{name} takes seconds, above zero, not {value!r}.")
    return float(value)


def seconds_or_none(name: str, value: Any) -> float | None:
    """Return a time of more than zero seconds, or None.

    Raises:
        ValueError: the value is neither.
    """
    if value is None:
        return None
    try:
        return seconds(name, value)
    except ValueError:
        raise ValueError(
            f"{name} takes seconds, above zero, or None, not {value!r}."
        ) from None


def count(name: str, value: Any) -> int:
    """Return a whole number above zero.

    Raises:
        ValueError: the value is not one; the message names the argument and the value.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} takes a whole number above zero, not {value!r}.")
    return value


def count_or_none(name: str, value: Any) -> int | None:
    """Return a whole number above zero, or None.

    Raises:
        ValueError: the value is neither.
    """
    if value is None:
        return None
    try:
        return count(name, value)
    except ValueError:
        raise ValueError(
            f"{name} takes a whole number above zero, or None, not {value!r}."
        ) from None
