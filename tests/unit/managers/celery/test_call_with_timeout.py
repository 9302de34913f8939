"""What may hang is left to itself when its time is over."""

from __future__ import annotations

import threading

import pytest

from dash_long_components.managers.celery.call_with_timeout import call_with_timeout

TIMEOUT = 10.0


def test_what_ends_in_time_is_as_if_it_were_called() -> None:
    assert call_with_timeout(TIMEOUT, lambda: "done") == "done"
    assert call_with_timeout(TIMEOUT, lambda: None) is None
    with pytest.raises(ZeroDivisionError):
        call_with_timeout(TIMEOUT, lambda: 1 / 0)


def test_what_hangs_is_not_waited_for_but_goes_on() -> None:
    goes_on, ended = threading.Event(), threading.Event()

    def hang() -> None:
        goes_on.wait(TIMEOUT)
        ended.set()

    with pytest.raises(TimeoutError, match=r"no answer in 0\.01 seconds"):
        call_with_timeout(0.01, hang)
    assert not ended.is_set()
    goes_on.set()
    assert ended.wait(TIMEOUT)
