"""A job goes on when no one reads its output any more."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TextIO, cast

import pytest

from dash_long_components.managers.diskcache.worker.output import Output


def test_output_without_a_reader_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")
    with pytest.raises(BrokenPipeError):
        print("text", file=stream, flush=True)
    print("text", file=cast(TextIO, Output(stream)), flush=True)
    with suppress(BrokenPipeError):
        stream.close()


def test_output_is_a_stream_otherwise(capfd: pytest.CaptureFixture[str]) -> None:
    with os.fdopen(os.dup(1), "w") as stream:
        output = Output(stream)
        assert output.fileno() == stream.fileno()
        print("text", file=cast(TextIO, output), flush=True)
    assert capfd.readouterr().out == "text\n"
