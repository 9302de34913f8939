"""The stop of a server wakes what waits, whether or not by a signal."""

from __future__ import annotations

import asyncio
import functools
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
    async def check() -> None:
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

    asyncio.run(check())


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_server_that_listens_no_more_wakes_what_waits(kind: str) -> None:
    async def check() -> None:
        waiting = asyncio.Event()
        loop = asyncio.get_running_loop()
        start = functools.partial(loop.create_server, asyncio.Protocol, "127.0.0.1", 0)
        first, second = await start(), await start()
        with shutdown.waking(waiting):
            first.close()
            await asyncio.sleep(2 * shutdown.TICK)
            assert not shutdown.has_begun(), "another server of the loop goes on"
            assert not waiting.is_set()
            second.close()
            await waiting.wait()
            assert shutdown.has_begun()
        third = await start()
        assert not shutdown.has_begun()
        third.close()

    run = pytest.importorskip(kind).run
    # As where a server runs in a thread, which gets no signals.
    thread = ThreadPoolExecutor(1)
    thread.submit(run, check()).result(timeout=20)
    thread.shutdown()
