"""Starting a dispatcher when there is none, and talking to the one there is."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from typing import Any

from ...exceptions import StoreError, StoreUnavailableError
from ...running.tasks import Task
from ..processes import Process
from ..store.store import Store
from . import interpreter
from .dispatcher import NO_STORE, Settings
from .outages import outlast, told
from .wakeup import wake

logger = logging.getLogger("dash_long_components")

#: Dispatchers in a row that may fail to start before waiting jobs are given up.
MAX_FAILURES = 3

#: Seconds for which a dispatcher that was seen to live is taken to live.
_FRESH = 0.25

#: The path goes in by the command line: in the environment it would be inherited by
#: whatever programs the jobs start.
_PROGRAM = (
    "import sys; sys.path[:] = {!r}; "
    "from dash_long_components.managers.diskcache.dispatcher import main; main()"
)


class Launcher:
    """One server process's connection with the dispatcher of its code version.

    Args:
        store: where the jobs are.
        settings: for a dispatcher that has to be started.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.code = settings.code
        self.pid = os.getpid()
        self._failures = 0
        self._settings = settings
        self._me = Process.current()
        self._lock = threading.Lock()
        self._dispatcher: dict[str, Any] | None = None
        self._look_again = 0.0
        self._starting: subprocess.Popen[bytes] | None = None
        store.registry.add_client(self.code, self._me)

    @property
    def has_failed(self) -> bool:
        """Whether starting a dispatcher has failed too often to go on waiting."""
        return self._failures >= MAX_FAILURES

    def ensure(self) -> None:
        """See that there is a dispatcher, or that one is on its way. Never waits."""
        # Every poll asks; to look the process up costs more than to read a job.
        if time.monotonic() < self._look_again:
            return
        if self._find() is not None:
            self._look_again = time.monotonic() + _FRESH
            if self.has_failed and self._known_tasks() is not None:
                self._failures = 0  # it has come to work after all
            return
        with self._lock:
            starting = self._starting is not None and self._starting.poll() is None
            if not starting and self._find() is None:
                self._launch()

    def wake(self) -> None:
        """Tell the dispatcher to look at the store, now.

        One that is still starting, or can't be found during an outage of the store,
        will look without being told to.
        """
        self._look_again = 0.0
        with suppress(StoreUnavailableError), told(self.store):
            self.ensure()
            dispatcher = self._find()
            if dispatcher is not None:
                wake(dispatcher["port"])

    def lacks(self, task: Task) -> bool:
        """Tell whether the dispatcher is known not to find a task by its key.

        One that is still importing the app can't say. Its worker asks for what it
        lacks then.
        """
        known = self._known_tasks()
        return known is not None and task.key not in known

    def close(self) -> None:
        """Stop wanting a dispatcher; one that nobody wants leaves. Idempotent."""
        if os.getpid() != self.pid:
            return
        # The directory may be gone already, a test's temporary one for instance. A
        # server that is still on the list of an outage is seen to have died.
        with suppress(StoreError, sqlite3.Error, OSError), told(self.store):
            self.store.registry.remove_client(self.code, self._me)
            dispatcher = self._find()
            if dispatcher is not None:
                wake(dispatcher["port"])
            self.store.close()

    def _known_tasks(self) -> dict[str, str] | None:
        """Return the tasks of the dispatcher; None before it has imported the app."""
        dispatcher = self._find()
        if dispatcher is not None and "tasks" not in dispatcher:
            self._dispatcher = None
            dispatcher = self._find()
        return None if dispatcher is None else dispatcher.get("tasks")

    def _find(self) -> dict[str, Any] | None:
        """Return what the living dispatcher said of itself, or None."""
        if self._dispatcher is None or not _lives(self._dispatcher):
            found = self.store.registry.dispatchers().get(self.code)
            self._dispatcher = found if found and _lives(found) else None
        return self._dispatcher

    def _launch(self) -> None:
        # The server's listening socket is its own: werkzeug's reloader would hand it
        # on by number in the environment, Popen closes all others.
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("WERKZEUG_")
        }
        before = self.store.registry.dispatchers().get(self.code, {})
        python = interpreter.find()
        try:
            if python is None:
                raise OSError(f"{sys.executable!r} is no Python interpreter")
            # No pipe: it would take a thread to write to, and a server may run none.
            with tempfile.TemporaryFile() as settings:
                settings.write(self._settings.to_json())
                settings.seek(0)
                self._starting = subprocess.Popen(  # noqa: S603
                    [python, "-c", _PROGRAM.format(self._settings.app.path)],
                    stdin=settings,
                    env=environment,
                )
        except OSError as error:
            logger.error("The process that runs jobs can't be started: %s", error)
            self._failures += 1
            return
        threading.Thread(
            target=self._attend,
            args=(self._starting, before),
            name="dash-long-jobs-dispatcher",
            daemon=True,
        ).start()

    def _attend(self, process: subprocess.Popen[bytes], before: dict[str, Any]) -> None:
        """Collect a dispatcher's exit code in the end.

        Args:
            process: the dispatcher, or what runs it: Python in a virtual environment
                of Windows runs another Python, which has another number.
            before: what the last one said of itself.
        """
        process.wait()
        try:
            last = outlast(self.store, self.store.registry.dispatchers).get(
                self.code, {}
            )
        except StoreError:
            return
        has_worked = "tasks" in last and last != before
        with self._lock:
            failed = process.returncode not in (0, NO_STORE) and not has_worked
            self._failures = self._failures + 1 if failed else 0


def _lives(dispatcher: dict[str, Any]) -> bool:
    return Process.from_list(dispatcher["process"]).is_alive()
