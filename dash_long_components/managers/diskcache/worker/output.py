"""The standard streams of a worker, which outlives the server that reads them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, TextIO


class Output:
    """A standard stream that may be a pipe without a reader.

    A job goes on when its server ends, and must not fail for what it prints.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(BrokenPipeError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(BrokenPipeError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
