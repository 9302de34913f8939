"""How a worker writes what its job reports, and how the job ends."""

from __future__ import annotations

import logging
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from ....core.answers import Look
from ....core.job_errors import JobError
from ....core.reports import Report
from ....core.status import Status
from ....exceptions import JobEndedError, StoreFullError
from ....running.outcome import Outcome
from ...store import answers
from ...store.outages import outlast, store_log
from ...store.store import Store
from .file_limit import FileLimit

logger = logging.getLogger("dash_long_components")

#: Seconds for which the disk may be full for a large write before a small one is tried.
FULL = 3.0

#: Seconds for which a fork waits for a write.
OUTAGE = 1.0

#: The size in bytes from which a write is large. A small one waits for space.
LARGE = 64 * 1024

#: Exit code of a worker that can't write how its job ended: EX_IOERR of <sysexits.h>.
CANT_WRITE = 74

#: Errors of a result that is too large for SQLite or for Python.
_TOO_LARGE = (sqlite3.DataError, OverflowError)


class JobWriter:
    """Writes for one job, from its worker.

    It leaves no connection open while the function runs. The function may close all
    descriptors, and open files of its own under their numbers.

    Args:
        store: where the job is stored.
        job_id: which job.
        task: name of its task.
        run: number of the run that the worker does.
    """

    def __init__(self, store: Store, job_id: str, task: str, run: int) -> None:
        self._store = store
        self._job_id = job_id
        self._task = task
        self._run = run
        self._limit = FileLimit()
        self._log = store_log()
        #: Held by the thread that uses the store.
        self._writing = threading.Lock()

    @contextmanager
    def fork(self) -> Iterator[None]:
        """Let the block fork this process while no other thread of it uses SQLite.

        The child would have the locks of such a thread for ever, and could not use
        SQLite. In an outage of the store, the block waits a moment only.
        """
        has_lock = self._writing.acquire(timeout=OUTAGE)
        try:
            yield
        finally:
            if has_lock:
                self._writing.release()

    def is_unwanted(self) -> bool:
        """Return whether no requester waits for the job any more.

        False while another thread writes: the job may ask in a loop.
        """
        if not self._writing.acquire(blocking=False):
            return False
        try:
            return self._store.is_unwanted(self._job_id)
        finally:
            self._store.close()
            self._writing.release()

    def report(self, report: Report) -> None:
        """Add a report. It is dropped while the job's own limit is in the way.

        Raises:
            JobEndedError: the job has ended elsewhere.
            StoreFullError: the report does not fit, but smaller ones do.
        """

        def add() -> None:
            self._store.change(
                self._job_id,
                lambda job: job.of_run(self._run).report(time.time(), report),
            )

        full_timeout = _full_timeout(len(repr(report)))
        while not self._fits(add, full_timeout) and not self._limit.is_lower:
            if self._fits(lambda: self._store.change(self._job_id, lambda job: job)):
                raise StoreFullError(
                    "A report does not fit into the job store. Report less, or free "
                    "space on its disk."
                )

    def load(self) -> str | None:
        """Return the job's checkpoint; None if it has none."""
        with self._writing:
            try:
                return outlast(
                    self._store, lambda: self._store.checkpoint(self._job_id)
                )
            finally:
                self._store.close()

    def save(self, text: str) -> bool:
        """Replace the job's checkpoint, and return whether the job has to stop.

        Raises:
            JobEndedError: the run has ended elsewhere.
            StoreFullError: it does not fit into the job store.
        """

        must_stop = False

        def write() -> None:
            nonlocal must_stop
            must_stop = self._store.save_checkpoint(self._job_id, self._run, text)

        if not self._fits(write, _full_timeout(len(text))):
            raise StoreFullError(
                "A checkpoint does not fit into the job store. Save less, or free "
                "space on its disk."
            )
        return must_stop

    def look(self, question: str) -> Look:
        """Look for the answer to a question.

        Raises:
            JobEndedError: the job is cancelled, or the run has ended.
        """

        def look() -> Look:
            answer = answers.given(self._store, self._job_id, self._run, question)
            return Look(answer, self._store.dispatching.must_stop(self._job_id))

        with self._writing:
            try:
                return outlast(self._store, look)
            finally:
                self._store.close()

    def close(self, question: str) -> str | None:
        """Accept no answer any more. Return the one that was in time, or None.

        Raises:
            JobEndedError: the job is cancelled, or the run has ended.
        """
        where = (self._store, self._job_id, self._run)
        with self._writing:
            try:
                return outlast(self._store, lambda: answers.close(*where, question))
            finally:
                self._store.close()

    def end(self, outcome: Outcome) -> None:
        """Write how the function ended, unless the job's end was decided meanwhile.

        A job whose result does not fit has failed. If not even that can be written,
        this process waits for space on the disk, or exits with ``CANT_WRITE``.
        """
        self._limit.lift()
        size = len(outcome.result or b"")
        error = JobError.not_stored(self._task, size)
        failed = Outcome(status=Status.FAILED, error=error)
        while not self._fits(lambda: self._end(outcome), _full_timeout(size)):
            if self._fits(lambda: self._end(failed)):
                logger.error(
                    "The long callback %s failed. %s", self._task, error.message
                )
                return
            if self._limit.is_lower:
                sys.exit(CANT_WRITE)

    def _end(self, outcome: Outcome) -> None:
        with suppress(JobEndedError):
            self._store.change(
                self._job_id,
                lambda job: outcome.end(job.of_run(self._run), time.time()),
                outcome.result,
            )

    def _fits(self, write: Callable[[], object], full_timeout: float = 0.0) -> bool:
        """Do a write, after an outage if there is one. False if it does not fit.

        Args:
            write: changes the store.
            full_timeout: seconds for which the disk may be full.
        """
        if self._limit.is_lower:
            full_timeout = 0.0
        with self._writing:
            try:
                outlast(self._store, write, full_timeout, self._log)
            except (StoreFullError, *_TOO_LARGE):
                return False
            finally:
                self._store.close()
            return True


def _full_timeout(size: int) -> float:
    """Return the seconds for which a write of so many bytes waits for space."""
    return FULL if size >= LARGE else float("inf")
