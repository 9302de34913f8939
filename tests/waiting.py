"""Waiting for a state; an error tells what was seen last."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

#: Seconds between two looks. They become rarer, for a look costs CPU time too.
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.25


def until_equal(read: Callable[[], object], expected: object, timeout: float) -> None:
    """Wait until what is read is what is expected; fail after ``timeout`` seconds."""
    end = time.monotonic() + timeout
    pause = FIRST_PAUSE
    while (seen := read()) != expected:
        if time.monotonic() > end:
            pytest.fail(f"{expected!r} did not come in {timeout} s, but {seen!r}")
        time.sleep(pause)
        pause = min(1.5 * pause, LONGEST_PAUSE)
