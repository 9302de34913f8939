"""What all layers share: a server process like a user's, and how Chromium starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import IO

import psutil
import pytest
from selenium.webdriver.chrome.options import Options

import dash_long_components
from tests.ports import free_port
from tests.waiting import until

ROOT = Path(__file__).parent.parent


def pytest_report_header() -> str:
    return f"package: {Path(dash_long_components.__file__).parent}"


def pytest_configure() -> None:
    # A shell has what it starts in the background ignore Ctrl-C, and so would all that
    # the tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_setup_options() -> Options:
    """Start Chromium without a window, and let it talk to nobody but the app."""
    options = Options()
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--window-size=1280,900",
    ):
        options.add_argument(argument)
    return options


class AppProcess:
    """A server started from the command line, in a folder of its own.

    Every process that comes from it, however far it detaches itself, inherits an
    environment variable that no other process has; that is how they are found.
    """

    MARK = "DASH_LONG_COMPONENTS_TEST"

    def __init__(self, command: list[str], folder: Path, port: int) -> None:
        self.command = command
        self.folder = folder
        self.port = port
        self._mark = uuid.uuid4().hex
        self._server: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] = (folder / "server.log").open("ab")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        """All that the server and its jobs wrote to stdout and stderr."""
        # What is being written may end in the middle of a character.
        return (self.folder / "server.log").read_text(errors="replace")

    @property
    def pid(self) -> int:
        assert self._server is not None
        return self._server.pid

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._server = subprocess.Popen(
            self.command,
            cwd=self.folder,
            env={
                **os.environ,
                "PORT": str(self.port),
                # It would ask a server on the internet, and log that there is none.
                "DASH_DISABLE_VERSION_CHECK": "true",
                self.MARK: self._mark,
            },
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        until(self._answers, timeout=30, msg=f"{self.command}: no answer")

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
        """All live processes that come from this server, itself included."""
        found = []
        # psutil.process_iter() remembers what had a number before.
        for pid in psutil.pids():
            # Files of a process that is just going may be missing one by one.
            with suppress(psutil.Error, OSError):
                process = psutil.Process(pid)
                if process.environ().get(self.MARK) == self._mark:
                    found.append(process)
        return found

    def terminate(self) -> None:
        """Send SIGTERM to the server and wait for its end; jobs are left alone."""
        assert self._server is not None
        self._server.terminate()
        self._server.wait(timeout=10)

    def kill(self) -> None:
        """Kill the server, and what it has not let go of goes on without it."""
        assert self._server is not None
        self._server.kill()
        self._server.wait(timeout=10)

    def close(self) -> None:
        """End the server and whatever came from it."""
        # What is killed may have started something just before.
        until(lambda: not self._kill_all(), timeout=10, poll=0.02)
        if self._server is not None:
            self._server.wait(timeout=10)
        self._log.close()

    def _kill_all(self) -> bool:
        """Kill what there is; tell whether there was anything."""
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
