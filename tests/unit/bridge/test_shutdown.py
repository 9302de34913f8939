"""A signal wakes what waits, and reaches the handler of the server."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from dash_long_components.bridge import shutdown


class Waiting:
    is_set = False

    def set(self) -> None:
        self.is_set = True


@pytest.fixture
def received() -> Iterator[list[int]]:
    """The signals that the server's handler gets, as uvicorn sets it."""
    received: list[int] = []

    def handle(number: int, _frame: Any) -> None:
        received.append(number)

    before = signal.signal(signal.SIGTERM, handle)
    yield received
    signal.signal(signal.SIGTERM, before)


def test_signal_wakes_what_waits_and_reaches_the_server(received: list[int]) -> None:
    waiting, gone = Waiting(), Waiting()
    with shutdown.waking(gone):
        pass
    with shutdown.waking(waiting):
        assert not shutdown.has_begun()
        signal.raise_signal(signal.SIGTERM)
    assert shutdown.has_begun()
    assert waiting.is_set
    assert not gone.is_set
    assert received == [signal.SIGTERM]
    # Another server in this process sets a handler of its own.
    signal.signal(signal.SIGTERM, lambda *_: received.append(0))
    with shutdown.waking(waiting):
        assert not shutdown.has_begun()
