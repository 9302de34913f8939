"""The launcher: starts a dispatcher if there is none, and talks to it."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ....core.lanes import Admission, Lane
from ....exceptions import StoreError
from ....running.tasks import Task
from ...identity import Process
from ...store.outages import access, outlast
from ...store.registry import RegisteredDispatcher
from ...store.store import Store
from ..dispatcher.process import NO_STORE
from ..dispatcher.settings import Settings
from ..dispatcher.wakeup import wake
from . import interpreter
from .pulse import Pulse
from .start_watchdog import START_TIMEOUT

logger = logging.getLogger("dash_long_components")

#: Dispatchers in a row that may fail to start, whichever server process has started
#: them. Then waiting jobs are lost.
MAX_FAILURES = 3

#: Seconds for which a dispatcher may start before pages that wait learn of it.
HINT_AFTER = 10.0

#: Seconds between two tries of the system to start a process. All that fail in this
#: time count as one: each server process tries, and the machine may be short of memory.
RETRY = 5.0

#: Seconds between two looks whether the dispatcher lives.
_FRESH = 0.25

#: The path goes in by the command line: programs that jobs start would inherit it from
#: the environment.
_PROGRAM = (
    "import sys; sys.path[:] = {!r}; "
    "from dash_long_components.managers.diskcache.dispatcher import process; "
    "process.main()"
)


@contextmanager
def _interrupt_blocked() -> Iterator[None]:
    """Let a process start with Ctrl-C blocked until it has its own handler.

    Python's handler would print a traceback of its imports.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Launcher:
    """One server process's connection with the dispatcher of its code version.

    Args:
        store: where the jobs are.
        settings: for a dispatcher that has to be started.
        start_timeout: seconds that it may take to start.
    """

    def __init__(
        self, store: Store, settings: Settings, start_timeout: float = START_TIMEOUT
    ) -> None:
        self.store = store
        self.code = settings.code
        self.pid = os.getpid()
        self._failures = 0
        self._settings = settings
        self._me = Process.current()
        self._lock = threading.Lock()
        self._dispatcher: RegisteredDispatcher | None = None
        self._look_again = 0.0
        self._launch_again = 0.0
        self._starting: subprocess.Popen[bytes] | None = None
        store.registry.add_server(self.code, self._me, settings.app.app)
        self._pulse = Pulse(
            store,
            self.code,
            self._me,
            self._ensure_now,
            self._launched,
            start_timeout,
        )

    @property
    def has_failed(self) -> bool:
        """Whether starting a dispatcher has failed too often."""
        return self._failures >= MAX_FAILURES

    def hint(self) -> str | None:
        """Return why jobs wait, if that is an app that takes long to start."""
        start = self._pulse.start
        if start.seconds < min(HINT_AFTER, start.timeout / 2):
            return None
        return (
            "The app takes long to start in the process that runs jobs. It may take "
            f"up to {start.timeout:g} s (start_timeout)."
        )

    def ensure(self) -> None:
        """Start a dispatcher if none lives or starts. Never waits."""
        # Every poll asks, and a look costs more than reading a job.
        if time.monotonic() < self._look_again:
            return
        is_there = self._find() is not None
        if self.has_failed or not is_there:
            # Other processes start dispatchers too. One that works begins a new count.
            self._failures = self.store.registry.failures(self.code)
        if is_there:
            self._look_again = time.monotonic() + _FRESH
            return
        with self._lock:
            starting = self._starting is not None and self._starting.poll() is None
            is_time = time.monotonic() >= self._launch_again
            if is_time and not starting and self._find() is None:
                self._launch()

    def _ensure_now(self) -> None:
        self._look_again = 0.0
        self.ensure()

    def wake(self) -> None:
        """Have the dispatcher look at the store now. Never fails.

        The caller has changed the store: an error would tell that it has not. A
        dispatcher that starts, or can't be found in an outage, looks by itself.
        """
        with suppress(StoreError), access(self.store):
            self._ensure_now()
            dispatcher = self._find()
            if dispatcher is not None:
                wake(dispatcher.port)

    def answer_page(self) -> None:
        """Note that this process answers pages. Cheap but for the first time."""
        if not self._pulse.answers_pages:
            self._pulse.answers_pages = True
            # In an outage, a later heartbeat tells it.
            with suppress(StoreError), access(self.store):
                self._pulse.send_heartbeat()

    def pass_by(self, lane: Lane | None) -> Admission:
        """Apply the rule of a lane to a cache hit."""
        admission = self.store.pass_by(lane)
        if admission.replaced:
            self.wake()
        return admission

    def lacks(self, task: Task) -> bool:
        """Return whether the dispatcher is known not to find a task by its key.

        One that imports the app can't tell yet. Then its worker asks for the function.
        """
        known = self._known_tasks()
        return known is not None and task.key not in known

    def close(self) -> None:
        """Stop wanting a dispatcher; one that no server wants exits. Idempotent."""
        if os.getpid() != self.pid:
            return
        self._pulse.stop()
        # The directory may be gone, as that of a test. Dispatchers notice that a server
        # has died which could not remove itself during an outage.
        with suppress(StoreError, sqlite3.Error), access(self.store):
            self.store.registry.remove_server(self.code, self._me)
            dispatcher = self._find()
            if dispatcher is not None:
                wake(dispatcher.port)
            self.store.close()

    def _known_tasks(self) -> dict[str, str] | None:
        """Return the tasks of the dispatcher; None before it has imported the app."""
        dispatcher = self._find()
        if dispatcher is not None and dispatcher.tasks is None:
            self._dispatcher = None
            dispatcher = self._find()
        return None if dispatcher is None else dispatcher.tasks

    def _find(self) -> RegisteredDispatcher | None:
        """Return what the dispatcher says of itself; None if none lives here."""
        if self._dispatcher is None or not self._dispatcher.process.is_alive():
            found = self.store.registry.dispatcher(self.code)
            self._dispatcher = found if found and found.process.is_alive() else None
        return self._dispatcher

    def _launched(self) -> Process | None:
        """Return the dispatcher that this process has started last, while it runs."""
        started = self._starting
        if started is None or started.poll() is not None:
            return None
        with suppress(ProcessLookupError):
            return Process.of(started.pid)
        return None

    def _launch(self) -> None:
        # werkzeug's reloader passes the number of the listening socket by the
        # environment; Popen closes all others.
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("WERKZEUG_")
        }
        before = self.store.registry.dispatcher(self.code)
        python = interpreter.find()
        try:
            if python is None:
                raise OSError(interpreter.missing())
            # No pipe: it would take a thread to write to, and a server may run none.
            with tempfile.TemporaryFile() as settings:
                settings.write(self._settings.to_json())
                settings.seek(0)
                with _interrupt_blocked():
                    self._starting = subprocess.Popen(  # noqa: S603
                        [python, "-c", _PROGRAM.format(self._settings.app.path)],
                        stdin=settings,
                        env=environment,
                    )
        except OSError as error:
            logger.error("The process that runs jobs can't be started: %s", error)
            self._launch_again = time.monotonic() + RETRY
            never = Process(0, time.time() // RETRY)  # it has no number
            self._failures = self.store.registry.add_failure(self.code, never)
            return
        # If no thread can start, nothing counts the failures of this dispatcher.
        with suppress(RuntimeError):
            threading.Thread(
                target=self._attend,
                args=(self._starting, before),
                name="dash-long-jobs-dispatcher",
                daemon=True,
            ).start()

    def _attend(
        self, process: subprocess.Popen[bytes], before: RegisteredDispatcher | None
    ) -> None:
        """Wait for the exit of a dispatcher, and count failures.

        Args:
            process: the dispatcher, or its parent: on Windows, the Python of a virtual
                environment runs another Python.
            before: what the last dispatcher said of itself.
        """
        process.wait()
        # One that finds another one, as two processes may start one each, ends with 0.
        if process.returncode in (0, NO_STORE):
            return
        ended = Process(process.pid, time.time())
        with suppress(StoreError):
            self._failures = outlast(self.store, lambda: self._failed(ended, before))

    def _failed(self, ended: Process, before: RegisteredDispatcher | None) -> int:
        """Note that a dispatcher has ended, unless it has worked; return the count."""
        registry = self.store.registry
        last = registry.dispatcher(self.code)
        is_new = last is not None and (before is None or before.process != last.process)
        if is_new and last is not None and last.tasks is not None:
            return registry.failures(self.code)
        return registry.add_failure(self.code, ended)
