"""Fixtures of all layers: a server as users start it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import IO

import psutil
import pytest

import dash_long_components
from tests.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--browser",
        action="append",
        choices=["chromium", "firefox", "webkit"],
        help="Run all browser tests in this one. May be repeated.",
    )


def pytest_report_header() -> str:
    return f"package: {Path(dash_long_components.__file__).parent}"


def pytest_configure() -> None:
    # A command that a shell starts in the background ignores Ctrl-C, and its children
    # inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)


class AppProcess:
    """A server started from the command line, in a folder of its own.

    An environment variable that no other process has marks all its descendants. A
    daemon inherits it too.
    """

    MARK = "DASH_LONG_COMPONENTS_TEST"

    def __init__(self, command: list[str], folder: Path, port: int) -> None:
        self.command = command
        self.folder = folder
        self.port = port
        self._mark = uuid.uuid4().hex
        self._server: subprocess.Popen[bytes] | None = None
        #: Seconds that a start may take.
        self.start_timeout = 30.0
        #: Seconds that the last start took: most of it is the import of the app.
        self.start_time = 0.0
        self._log: IO[bytes] = (folder / "server.log").open("ab")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """The output of the server and its jobs."""
        # It may end in the middle of a character.
        return (self.folder / "server.log").read_text(errors="replace")

    @property
    def pid(self) -> int:
        assert self._server is not None
        return self._server.pid

    def start(self) -> None:
        """Start the server and wait until it answers."""
        began = time.monotonic()
        self._server = subprocess.Popen(
            self.command,
            cwd=self.folder,
            env={
                **os.environ,
                "PORT": str(self.port),
                # Dash would ask a server on the internet, and log its absence.
                "DASH_DISABLE_VERSION_CHECK": "true",
                self.MARK: self._mark,
            },
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        msg = f"{self.command}: no answer"
        until(self._answers, timeout=self.start_timeout, msg=msg)
        self.start_time = time.monotonic() - began

    def _answers(self) -> bool:
        assert self._server is not None
        if self._server.poll() is not None:
            pytest.fail(f"{self.command} ended at its start:\n{self.log}")
        try:
            with urllib.request.urlopen(self.url, timeout=10):
                return True
        except (OSError, HTTPException):
            return False

    def processes(self) -> list[psutil.Process]:
        """Return the server and all its live descendants."""
        found = []
        # psutil.process_iter() caches processes, and pids are used again.
        for pid in psutil.pids():
            # The files of an exiting process disappear one by one.
            with suppress(psutil.Error, OSError):
                process = psutil.Process(pid)
                if process.environ().get(self.MARK) == self._mark:
                    found.append(process)
        return found

    def terminate(self) -> None:
        """Send SIGTERM to the server alone, and wait for its end."""
        assert self._server is not None
        self._server.terminate()
        self._server.wait(timeout=10)

    def kill(self) -> None:
        """Send SIGKILL to the server alone, and wait for its end."""
        assert self._server is not None
        self._server.kill()
        self._server.wait(timeout=10)

    def close(self) -> None:
        """Kill the server and all its descendants."""
        # A process may start another one just before it is killed.
        until(lambda: not self._kill_all(), timeout=10, poll=0.02)
        if self._server is not None:
            self._server.wait(timeout=10)
        self._log.close()

    def _kill_all(self) -> bool:
        """Kill all processes; tell whether there were any."""
        found = self.processes()
        for process in found:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        return bool(found)


StartApp = Callable[..., AppProcess]


@pytest.fixture
def start_app(tmp_path: Path) -> Iterator[StartApp]:
    """Start servers as users do: ``start_app("examples/simple.py")``.

    A list is a whole command; ``{port}`` in it becomes the port.
    """
    started: list[AppProcess] = []

    def start(script: str | Path | list[str], port: int | None = None) -> AppProcess:
        port = port or free_port()
        if isinstance(script, list):
            command = [part.format(port=port) for part in script]
        else:
            command = [sys.executable, str(ROOT / script)]
        folder = tmp_path / f"app-{len(started)}"
        folder.mkdir()
        app = AppProcess(command, folder, port)
        started.append(app)
        app.start()
        return app

    yield start
    for app in started:
        app.close()
