"""Waiting for a state; an error tells what was seen last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

#: Seconds between two looks. They become rarer, for a look costs CPU time too.
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.25


def until(
    look: Callable[..., object],
    timeout: float,
    poll: float = 0.1,
    msg: str | Callable[[], str] = "it did not come",
) -> Any:
    """Wait until a look shows something true, and return that.

    Args:
        look: called again and again.
        timeout: seconds; then the test fails.
        poll: seconds between two looks.
        msg: what to say then, or what tells it.
    """
    for pause in _looks(timeout):
        if seen := look():
            return seen
        time.sleep(min(pause, poll))
    text = msg if isinstance(msg, str) else msg()
    pytest.fail(f"{text} in {timeout} s")


def until_equal(read: Callable[[], object], expected: object, timeout: float) -> None:
    """Wait until what is read is what is expected; fail after ``timeout`` seconds."""
    for pause in _looks(timeout):
        if (seen := read()) == expected:
            return
        time.sleep(pause)
    pytest.fail(f"{expected!r} did not come in {timeout} s, but {seen!r}")


def _looks(timeout: float) -> Iterator[float]:
    """Give, for each look there is time for, the seconds to the next one.

    The last look is one that began after that time: a test that was held up itself has
    not seen yet what came meanwhile.
    """
    end = time.monotonic() + timeout
    pause = FIRST_PAUSE
    is_last = False
    while not is_last:
        is_last = time.monotonic() >= end
        yield pause
        pause = min(1.5 * pause, LONGEST_PAUSE)
