"""A process of a job that runs parts of it, one after the other."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle

from ....bridge import app_context
from ....core.bars import Bars
from ....core.calls import Call
from ....core.records import Record
from ....core.steps import Steps
from ....running import context_vars, current, worker_init
from ....running.current import CurrentJob
from ....running.parts import failure_of, outcome_of
from ....running.reports import Unasked
from ...store.store import Store
from .app_code import AppCode
from .job_writer import JobWriter
from .settling import settle

#: The first bytes of what a part's process sends, beside outcomes: a line of the log,
#: and the job's title.
LINE, TITLE = b"L", b"T"


@dataclass(frozen=True, kw_only=True)
class PartSetting:
    """What a process has to know of the job whose parts it runs.

    Attributes:
        store: where the job is stored.
        record: of the job, at its start.
        call: of the job.
        app: what to import; None in a process that was forked from one that has it.
    """

    store: Store
    record: Record
    call: Call
    app: AppCode | None

    @contextmanager
    def entered(self, reports: PartReports) -> Iterator[None]:
        """Make this process one of the job: its code has the job's context."""
        with ExitStack() as stack:
            if self.app is not None:
                self.app.load()
                context_vars.restore(self.call.variables)
                stack.enter_context(app_context.entered(self.call.app))
            writer = JobWriter(
                self.store, self.record.id, self.record.task, self.record.run
            )
            job = CurrentJob(self.record, writer.is_unwanted)
            job.report_to(reports, self.call.title)
            stack.enter_context(current.entered(job))
            worker_init.prepare()
            yield


def serve(
    connection: Connection,
    others: Iterable[Connection],
    setting: PartSetting,
    function: Callable[[Any], Any] | bytes,
) -> None:
    """Run parts for as long as their job sends some: the target of the process.

    Args:
        connection: with the job.
        others: those of the job with other such processes. They are open here too,
            after a fork.
        setting: of the job.
        function: for each item; pickled where the process was spawned.
    """
    for each in others:
        each.close()
    settle()
    pid = os.getpid()
    reports = PartReports(connection)
    has_begun = False
    try:
        with setting.entered(reports):
            has_begun = True
            if isinstance(function, bytes):
                function = _loaded(function)
            while (item := _received(connection)) is not None:
                outcome = outcome_of(function, item)
                _flush()
                reports.send(outcome)
    except BaseException as error:
        if os.getpid() != pid or has_begun:
            raise
        # It could not prepare: that is the outcome of its first part.
        if _received(connection) is not None:
            reports.send(failure_of(error))


def _loaded(function: bytes) -> Callable[[Any], Any]:
    try:
        loaded: Callable[[Any], Any] = cloudpickle.loads(function)
    except Exception as error:  # classes raise what they like
        problem = error

        def fail(_: Any) -> Any:
            raise problem

        return fail
    return loaded


def _received(connection: Connection) -> bytes | None:
    """Return the next item, pickled; None after the last, or the death of the job."""
    try:
        return connection.recv_bytes()
    except (EOFError, OSError):
        return None


def _flush() -> None:
    # The job kills this process when it needs it no more.
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()


class PartReports(Unasked):
    """Sends what a part reports to its job. Only the job counts and shows progress.

    Args:
        connection: with the job.
    """

    def __init__(self, connection: Connection) -> None:
        self.bars = Bars(lambda: None)
        self.steps = Steps()
        self._connection = connection
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def log(self, text: str, level: int, time: float) -> None:
        """Send lines for the log of the job."""
        self.send(LINE + cloudpickle.dumps((text, level, time)))

    def set_title(self, title: str) -> None:
        """Send the job's new title; "" for none."""
        self.send(TITLE + title.encode("utf-8", "surrogatepass"))

    def send(self, message: bytes) -> None:
        """Send a message, unless the job has gone on without this process."""
        if os.getpid() != self._pid:
            return  # a process that the part has forked
        with self._lock, suppress(OSError):
            self._connection.send_bytes(message)
