"""Servers as users start them, and their processes."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from dash_long_components.managers import cgroups
from tests.conftest import AppProcess
from tests.integration.page import TIMEOUT, Page
from tests.ports import free_port
from tests.waiting import until, until_equal

APPS = Path(__file__).parent / "apps"


class Server(AppProcess):
    """A server of ``apps/tasks_app.py``, or of another app, in a folder of its own."""

    def page(self, cookie: str = "") -> Page:
        return Page(self.url, cookie)

    def file(self, name: str) -> Path:
        return self.folder / name

    def wait_for_file(self, name: str) -> Any:
        """Return the JSON that a job writes to a file, once it has."""
        return wait_for_json(self.file(name))

    def release(self, name: str) -> None:
        """Let a job that holds go on."""
        self.file(f"{name}.go").touch()

    def dispatchers(self) -> list[psutil.Process]:
        return [p for p in self.processes() if is_dispatcher(p)]

    def dispatcher(self) -> psutil.Process:
        """Return the dispatcher, as soon as there is exactly one."""
        found: list[psutil.Process] = []

        def is_one() -> bool:
            found[:] = self.dispatchers()
            return len(found) == 1

        until(is_one, TIMEOUT, poll=0.01)
        return found[0]

    def suspend_dispatcher(self) -> psutil.Process:
        """Stop the dispatcher, but not in a write: that would lock the store."""
        dispatcher = self.dispatcher()

        def is_stopped() -> bool:
            dispatcher.suspend()
            try:
                with self.locked_store(timeout=0):
                    return True
            except sqlite3.OperationalError:
                dispatcher.resume()
                return False

        until(is_stopped, TIMEOUT, poll=0.01)
        return dispatcher

    @contextmanager
    def locked_store(
        self, mode: str = "IMMEDIATE", timeout: float = 5
    ) -> Iterator[None]:
        """Lock the jobs of this server, as a backup or a program that hangs does.

        Args:
            mode: ``IMMEDIATE`` keeps others from writing, ``EXCLUSIVE`` in a new
                connection from reading too.
            timeout: seconds to wait for the lock.
        """
        database = sqlite3.connect(
            self.file("cache") / "long-jobs" / "jobs.cache.db",
            timeout=timeout,
            isolation_level=None,
        )
        with closing(database):
            database.execute(f"BEGIN {mode}")
            yield
            database.execute("ROLLBACK")

    def wait_until_ready(self) -> None:
        """Wait until a spare worker is there, so that the next job begins at once."""
        self.page().load()
        until(lambda: self.dispatcher().children(), TIMEOUT, poll=0.01)

    def wait_until_gone(self) -> None:
        """Wait until the server and all its descendants have ended."""
        until_gone(self.processes)


def wait_for_json(path: Path) -> Any:
    """Return the JSON that a job writes to a file, once it has.

    The file is there a moment before its text.
    """
    return json.loads(
        until(lambda: path.exists() and path.read_text(), TIMEOUT, poll=0.01)
    )


def command(script: str = "tasks_app.py", **settings: Any) -> list[str]:
    """Return how to start an app as ``python app.py``."""
    return with_settings([sys.executable, str(APPS / script)], **settings)


def gunicorn(workers: int, app: str = "tasks_app:server", **settings: Any) -> list[str]:
    """Return how to start an app under gunicorn."""
    return with_settings(
        [
            *(sys.executable, "-m", "gunicorn", app, "--pythonpath", str(APPS)),
            *("-w", str(workers), "--threads", "4", "-b", "127.0.0.1:{port}"),
        ],
        **settings,
    )


def with_settings(command: list[str], **settings: Any) -> list[str]:
    # In a format string, for the port.
    value = json.dumps(settings).replace("{", "{{").replace("}", "}}")
    return ["env", f"SETTINGS={value}", *command]


@contextmanager
def serving(
    command: list[str], folder: Path, port: int | None = None
) -> Iterator[Server]:
    """Start a server; in the end it goes, and all that came from it."""
    port = port or free_port()
    server = Server([part.format(port=port) for part in command], folder, port)
    try:
        server.start()
        yield server
    finally:
        server.close()


def is_dispatcher(process: psutil.Process) -> bool:
    with suppress(psutil.Error, OSError):
        # A worker has its command line, and leads a process group.
        is_group_leader = os.getpgid(process.pid) == process.pid
        return not is_group_leader and any(
            "managers.diskcache.dispatcher" in part for part in process.cmdline()
        )
    return False


def has_control_groups() -> bool:
    """Return whether control groups can be made here, as by root or where delegated."""
    home = cgroups._home()
    return home is not None and os.access(home, os.W_OK)


def tell_of_control_groups() -> None:
    """Have the report say that a test was held without the daemon that needs them."""
    if not has_control_groups():
        pytest.skip("Held without ``env -i setsid``: no control groups can be made.")


def is_alive(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    with suppress(psutil.NoSuchProcess, FileNotFoundError):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def until_gone(find: Callable[[], Iterable[object]]) -> None:
    until_equal(lambda: list(find()), [], TIMEOUT)


def until_no_job_is_left(dispatcher: psutil.Process) -> None:
    """Wait until a dispatcher has no child but the worker that waits for a job."""
    until(lambda: len(dispatcher.children(recursive=True)) <= 1, TIMEOUT, poll=0.05)


def sockets(protocol: str) -> set[str]:
    """Return all sockets of the machine for ``tcp`` or ``udp``, by their inodes."""
    return {
        f"socket:[{fields[9]}]"
        for table in (protocol, f"{protocol}6")
        if Path(f"/proc/net/{table}").exists()
        for fields in map(
            str.split, Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        )
    }


def sockets_of(pid: int, protocol: str) -> set[str]:
    """Return those of one process; none if it has gone."""
    found = set()
    with suppress(FileNotFoundError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                found.add(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return found & sockets(protocol)
