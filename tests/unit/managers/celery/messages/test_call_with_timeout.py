"""A call returns in time, even if its function hangs."""

from __future__ import annotations

import threading

import pytest

from dash_long_components.managers.celery.messages.call_with_timeout import (
    call_with_timeout,
)

TIMEOUT = 10.0


def test_function_that_ends_in_time_returns_or_raises() -> None:
    assert call_with_timeout(TIMEOUT, lambda: "done") == "done"
    assert call_with_timeout(TIMEOUT, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        call_with_timeout(TIMEOUT, lambda: 1 / 0)


def test_function_that_hangs_goes_on_in_the_background() -> None:
    goes_on, ended = threading.Event(), threading.Event()

    def hang() -> None:
        goes_on.wait(TIMEOUT)
        ended.set()

    with pytest.raises(TimeoutError, match=r"no answer within 0\.01 s"):
        call_with_timeout(0.01, hang)
    assert not ended.is_set()
    goes_on.set()
    assert ended.wait(TIMEOUT)
