"""The messages of jobs in a worker's main process, before and beside its pool."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import signal
from collections.abc import Iterator
from typing import Any

import celery
from billiard.einfo import ExceptionInfo
from celery import signals
from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.exceptions import (
    TaskRevokedError,
    Terminated,
    TimeLimitExceeded,
    WorkerLostError,
)
from celery.worker.request import Request

from ....exceptions import StoreUnavailableError
from ...processes import kill_tree
from ..documents.deliveries import Message, Receipt
from ..documents.documents import outages
from ..documents.job_state import Worker
from ..documents.unexpected_ends import CeleryFailure
from ..messages.probes import arrived
from ..messages.sending import FINISH, PREFIX, PROBE
from ..store.store import CeleryStore
from ..workers.homes import home_of
from ..workers.leases import Lease
from .supervisor import Supervisor

logger = logging.getLogger("dash_long_components")

#: Why Celery cancels a request.
_CANCELLED = (
    "Celery has killed its process: the worker lost the connection to the broker "
    "(worker_cancel_long_running_tasks_on_connection_loss), or has to stop."
)


@signals.task_received.connect
def _note_receipt(sender: Any, request: Any, **_: Any) -> None:
    """Note which worker has received a job, before its pool gets it."""
    home = home_of(request.app)
    if home is None:
        return
    if request.name == PROBE:
        with _noting_outages():
            arrived(_store(home.app).documents, *request.args)
    elif request.name.startswith(PREFIX):
        if not isinstance(sender.pool, PreforkPool):
            # The watchdog enforces the time limit: most other pools have none, and that
            # of gevent raises an error in the function.
            request.time_limits = (None, None)
        job_id, number, text = request.args
        if Supervisor.current is not None:
            message = Message.from_text(text)
            Supervisor.current.received(sender, request, number, message)
        receipt = Receipt(worker=this_worker(request.hostname), number=number)
        with _noting_outages():
            _store(home.app).note_receipt(job_id, receipt)
    elif request.name == FINISH and Supervisor.current is not None:
        _job_id, _run, text = request.args
        message = Message.from_text(text)
        Supervisor.current.received(sender, request, None, message)


@contextlib.contextmanager
def _noting_outages() -> Iterator[None]:
    """Go on during an outage: a reader finds out later what was not written."""
    try:
        yield
    except StoreUnavailableError as error:
        outages.begin(error)


@functools.lru_cache(maxsize=4)
def _store(app: celery.Celery) -> CeleryStore:
    """Return the store of the worker's main process, where no one may wait."""
    return CeleryStore(app)


def this_worker(name: str) -> Worker:
    """Return this worker, with its lease.

    Args:
        name: of the worker, as Celery knows it.
    """
    lease = Lease.current
    return Worker(name=name, lease=lease.id if lease else "")


class JobRequest(Request):
    """A job in the main process of its worker.

    Attributes:
        exceeded: the time limit for which the supervisor kills its process, in
            seconds; None if it does not.
    """

    exceeded: float | None = None

    @property
    def job_id(self) -> str:
        """The id of the job, which is that of its message."""
        return str(self.id)

    def on_accepted(self, pid: Any, time_accepted: float) -> None:
        """Note that a pool process has the job."""
        super().on_accepted(pid, time_accepted)
        if Supervisor.current is not None:
            Supervisor.current.began(self)

    def on_failure(
        self,
        exc_info: Any,
        send_failed_event: bool = True,
        return_ok: bool = False,
    ) -> None:
        """Note that the job's process has died, unless the process says so itself."""
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if isinstance(error, WorkerLostError) and self._was_ended():
            # The process has ended itself, since the job's page has left.
            exc_info = terminated()
            error = exc_info.exception.exc
        if isinstance(error, Terminated) and self.exceeded is not None:
            # Celery would say that the task was revoked. A page may read that before
            # the supervisor has ended the job.
            self._died(_failure(TimeLimitExceeded(self.exceeded)))
            super().on_timeout(False, self.exceeded)
            return
        if not return_ok:
            self._died(_failure(error))
        super().on_failure(exc_info, send_failed_event, return_ok)

    def cancel(self, pool: Any, *args: Any, **options: Any) -> None:
        """Note that Celery kills the job's process, though the job has not ended."""
        super().cancel(pool, *args, **options)
        self._died(CeleryFailure(type=WorkerLostError.__name__, message=_CANCELLED))

    def _was_ended(self) -> bool:
        """Return whether the job has ended, but not by what its function did."""
        home = home_of(self.app) if self.app else None
        with contextlib.suppress(StoreUnavailableError):
            if home is not None:
                (end,) = _store(home.app).ends.get_all([self.job_id])
                return end is not None and end.live is None
        return False

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """End the process of a job, and its descendants, when its time is over."""
        pid: Any = self.worker_pid
        if not soft and pid not in (None, os.getpid()):
            kill_tree(pid)
        if not soft:
            self._died(_failure(TimeLimitExceeded(timeout)))
        super().on_timeout(soft, timeout)

    def _died(self, failure: CeleryFailure) -> None:
        # Before Celery stores it, which may fail, and may wait for the backend.
        if Supervisor.current is not None:
            Supervisor.current.died(self, failure, job_id=self.job_id)


class FinishRequest(JobRequest):
    """The end of a job with a workflow: no one else would end it if this one dies."""

    @property
    def job_id(self) -> str:
        job_id: str = self.args[0]
        return job_id


def terminated() -> ExceptionInfo:
    """Return what Celery has of a process that was terminated on purpose."""
    try:
        # Windows has no SIGKILL.
        raise Terminated(getattr(signal, "SIGKILL", signal.SIGTERM))
    except Terminated:
        return ExceptionInfo()


def _failure(error: BaseException) -> CeleryFailure:
    """Return what the death of a process means for its job, unless that has ended."""
    if isinstance(error, Terminated):
        # Most had ended. Otherwise an operator has revoked the task.
        return CeleryFailure(type=TaskRevokedError.__name__, message="terminated")
    if isinstance(error, TimeLimitExceeded | WorkerLostError):
        return CeleryFailure(type=type(error).__name__, message=str(error))
    # Its text is for the log: it may hold secrets.
    logger.error("The process of a job has failed: %r", error)
    message = f"Worker exited prematurely: {type(error).__name__}"
    return CeleryFailure(type=WorkerLostError.__name__, message=message)
