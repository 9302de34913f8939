"""Tests of ``dash_long_components.managers.diskcache.worker``."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from typing import TextIO, cast

import pytest

from dash_long_components.managers.diskcache.worker import _Output


def test_output_without_a_reader_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")
    with pytest.raises(BrokenPipeError):
        print("text", file=stream, flush=True)
    print("text", file=cast(TextIO, _Output(stream)), flush=True)
    with suppress(BrokenPipeError):
        stream.close()


def test_output_is_a_stream_otherwise(capfd: pytest.CaptureFixture[str]) -> None:
    with os.fdopen(os.dup(1), "w") as stream:
        output = _Output(stream)
        assert output.fileno() == stream.fileno()
        print("text", file=cast(TextIO, output), flush=True)
    assert capfd.readouterr().out == "text\n"


def test_job_prints_nowhere_where_the_server_has_no_output() -> None:
    code = (
        "import sys\n"
        "from dash_long_components.managers.diskcache import worker\n"
        # As it is in a process whose descriptor 1 was closed at its start.
        "sys.stdout = None\n"
        "worker.enter()\n"
        "print('text', flush=True)\n"
        "sys.stderr.write('done')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert run.stderr == "done"
