"""The rules of retries: how long a pause is."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from dash_long_components.core.retries import Retries, asked_pause


def test_pauses_double_up_to_the_longest_and_chance_makes_them_shorter() -> None:
    retries = Retries(times=9, backoff=1, longest=5)
    assert [retries.pause(n, 0.0) for n in (1, 2, 3, 4, 900)] == [1, 2, 4, 5, 5]
    assert [retries.pause(n, 1.0) for n in (1, 2, 3, 4)] == [0.5, 1, 2, 2.5]
    assert 20 <= retries.pause(1, 0.7, asked=20) <= 20.5


class Refused(Exception):
    def __init__(self, **attributes: Any) -> None:
        super().__init__("refused")
        self.__dict__.update(attributes)


def response(value: str) -> SimpleNamespace:
    return SimpleNamespace(headers={"Retry-After": value})


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Refused(), None),
        (Refused(retry_after=3), 3.0),
        (Refused(retry_after="4"), 4.0),
        (Refused(retry_after=timedelta(minutes=1)), 60.0),
        (Refused(response=response("7")), 7.0),
        (Refused(headers={"Retry-After": "8"}), 8.0),
        (Refused(response=response("Thu, 01 Jan 1970 00:01:40 GMT")), 100.0 - 10.0),
        (Refused(response=response("Thu, 01 Jan 1970 00:00:01 GMT")), 0.0),
        (Refused(response=response("soon")), None),
        (Refused(response=None), None),
        (Refused(retry_after=float("inf")), None),
    ],
)
def test_exception_may_ask_to_wait(error: Exception, seconds: float | None) -> None:
    assert asked_pause(error, 10.0) == seconds
    wrapped = RuntimeError("failed")
    wrapped.__cause__ = error
    assert asked_pause(wrapped, 10.0) == seconds
