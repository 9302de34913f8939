"""Streaming: send the values that a generator function yields while it runs."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable
from typing import Any


def is_stream(function: Callable[..., Any]) -> bool:
    """Return whether a function is a generator function, sync or async."""
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def drained(
    function: Callable[..., Any], emit: Callable[[Any], None], nothing: Any
) -> Callable[..., Any]:
    """Return a function that runs a generator function to its end.

    However the run ends, it closes the generator: its ``finally`` blocks run.

    Args:
        function: a generator function, sync or async.
        emit: gets every value that it yields, before the generator goes on.
        nothing: returned if the generator does not return a value.
    """

    def drain(*args: Any, **kwargs: Any) -> Any:
        with contextlib.closing(function(*args, **kwargs)) as stream:
            while True:
                try:
                    value = next(stream)
                except StopIteration as end:
                    return nothing if end.value is None else end.value
                emit(value)

    async def drain_async(*args: Any, **kwargs: Any) -> Any:
        async with contextlib.aclosing(function(*args, **kwargs)) as stream:
            async for value in stream:
                emit(value)
        return nothing

    return drain_async if inspect.isasyncgenfunction(function) else drain
