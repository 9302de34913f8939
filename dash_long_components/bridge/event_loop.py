"""Run blocking work in a thread on servers with an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

#: Threads for the requests of a process that block at the same time. Each is made when
#: all others are busy, so that a store that is locked for one manager leaves room.
MAX_THREADS = 32

_threads = ThreadPoolExecutor(MAX_THREADS, "dash-long-jobs")

#: The event loop that waits for the thread which runs the current code.
_loop: contextvars.ContextVar[asyncio.AbstractEventLoop | None] = (
    contextvars.ContextVar("event loop", default=None)
)


class Wakeup:
    """Wakes a request that waits on the current event loop, from any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the request. Idempotent."""
        with contextlib.suppress(RuntimeError):  # the loop has ended, and the request
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self) -> None:
        """Wait until it is set."""
        await self._event.wait()


def is_on_event_loop() -> bool:
    """Return whether this thread runs an event loop, which must not block."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def in_thread(function: Callable[..., T], *args: Any) -> T:
    """Run what may block in a thread, in the context of the current request.

    The threads are not those of the event loop: Quart serves pages by these.
    """
    loop = asyncio.get_running_loop()
    context = contextvars.copy_context()
    context.run(_loop.set, loop)
    return await loop.run_in_executor(
        _threads, functools.partial(context.run, function, *args)
    )


def in_background(function: Callable[[], None]) -> None:
    """Run what may block: here, or where that would block an event loop, in a thread.

    It must not raise.
    """
    if is_on_event_loop():
        _threads.submit(contextvars.copy_context().run, function)
    else:
        function()


def continue_here(connection: Any) -> None:
    """Have async functions of the user continue on the loop of a WebSocket.

    And let Dash's request adapter for FastAPI find the connection, which has the
    interface of a request there.
    """
    _loop.set(asyncio.get_running_loop())
    fastapi = sys.modules.get("dash.backends._fastapi")
    if fastapi is not None and type(connection).__module__.startswith("starlette"):
        fastapi.set_current_request(connection)


def resolve(value: Any) -> Any:
    """Return the value of a function of the user, sync or async.

    An async one continues on the event loop of the request. Flask has none.
    """
    if not isinstance(value, Awaitable):
        return value
    loop = _loop.get()
    if loop is not None:
        return asyncio.run_coroutine_threadsafe(_wait(value), loop).result()
    context = contextvars.copy_context()
    return _threads.submit(context.run, asyncio.run, _wait(value)).result()


async def _wait(value: Awaitable[Any]) -> Any:
    return await value
