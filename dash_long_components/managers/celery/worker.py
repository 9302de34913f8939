"""The part in Celery's workers: a Celery task for each long callback."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any

import celery
from billiard.einfo import ExceptionInfo
from celery import signals
from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.exceptions import (
    SoftTimeLimitExceeded,
    TaskRevokedError,
    Terminated,
    TimeLimitExceeded,
    WorkerLostError,
)
from celery.worker import state as worker_state
from celery.worker.control import control_command, inspect_command
from celery.worker.request import Request

from ...core.caching import Results
from ...core.jobs import Call, JobError, Status
from ...core.queueing import DEFAULT
from ...core.records import Record, Report
from ...exceptions import JobEndedError, StoreUnavailableError
from ...running import runtime
from ...running.current import CurrentJob
from ...running.runtime import Outcome
from ...running.tasks import Task
from ..processes import adopt_orphans, end_children, kill_tree
from . import pool_jobs
from .deliveries import Message, Receipt
from .documents import Documents, outages
from .homes import Home, home_of
from .job_state import Live, Worker
from .leases import Lease
from .orphans import JobOrphans, lead_group, marked
from .probes import arrived
from .result_cache import CeleryResultCache
from .runs import Runs
from .sending import PREFIX, PROBE, send_job, task_name, tell_broker
from .store import CeleryStore
from .supervisor import Supervisor
from .unexpected_ends import CeleryFailure
from .watchdog import FunctionWatchdog

logger = logging.getLogger("dash_long_components")

#: Control command that ends a running job.
END_JOB = "end_dash_long_job"

#: Control command that a worker answers with its clock and versions.
DESCRIBE = "describe_dash_long_jobs"

#: Seconds between two writes of what a job reports.
_REPORT_INTERVAL = 0.25

#: Seconds after which a job that waits for another one looks again.
_LOOK_AGAIN = 0.5

#: The same for a job of a paused task.
_PAUSED = 2.0

#: Why Celery cancels a request.
_CANCELLED = (
    "Celery has killed its process: the worker lost the connection to the broker "
    "(worker_cancel_long_running_tasks_on_connection_loss), or has to stop."
)


class JobFailed(Exception):
    """The job has failed. This is for Celery's signals and monitors."""


def add_task(app: celery.Celery, task: Task, home: Home) -> None:
    """Add a Celery task for a long callback.

    Args:
        app: of the workers.
        task: of the long callback.
        home: where the jobs of the task belong.
    """
    runs = Runs(home.app, home.lease)
    results = CeleryResultCache(Documents(home.app, patient=True))

    @app.task(
        name=task_name(task.key, task.name),
        bind=True,
        shared=False,
        # Celery stores only that a job was revoked or failed, or that its process died.
        ignore_result=True,
        store_errors_even_if_ignored=True,
        # A job whose worker died is lost. It may have had effects, and only the user
        # can tell whether to repeat them.
        acks_late=False,
        max_retries=0,
        # The job's own log has the traceback.
        throws=(JobFailed,),
        Request=JobRequest,
        # For processes that ask where jobs will go. Celery's own name is deprecated.
        job_queue=None if task.queue == DEFAULT else task.queue,
    )
    def run(self: Any, job_id: str, number: int, text: str) -> None:
        with pool_jobs.having(job_id):
            work(self, job_id, number, text)

    def work(self: Any, job_id: str, number: int, text: str) -> None:
        message = Message.from_text(text)
        while pause := _pause(runs, job_id, number, task.name, message):
            if not self.request.is_eager:
                _send_back(home.app, runs, job_id, number, message, pause)
                return
            time.sleep(pause)
        worker = _worker(self.request.hostname)
        started = runs.start(job_id, worker, message, number)
        if started is None:
            logger.info("Job %s has ended or was started before: not run.", job_id)
            if message.group is not None:
                runs.store.groups.advance(message.group)
            return
        try:
            error = _run(home.app, runs, results, *started)
        except Exception as failure:
            _end_after(failure, runs, started[0])
            raise
        finally:
            if message.group is not None:
                runs.store.leave_group_at_end(message.group, job_id)
        if error is not None:
            raise JobFailed(f"{error.type}: {error.message}")


def add_probe(app: celery.Celery) -> None:
    """Add the Celery task of probes, which do nothing but arrive."""

    @app.task(name=PROBE, shared=False, ignore_result=True)
    def probe(task: str, number: int) -> None:
        pass


def _pause(runs: Runs, job_id: str, number: int, task: str, message: Message) -> float:
    """Return the seconds until a job looks again whether it may run; 0 if it may."""
    if message.lane is not None and not runs.store.is_turn(job_id, message.lane):
        return _LOOK_AGAIN
    if runs.is_paused(job_id, task):
        return _PAUSED
    # The clock of the process that sent a further attempt may be ahead.
    return runs.until_due(job_id) if number > 0 else 0.0


def _send_back(
    app: celery.Celery,
    runs: Runs,
    job_id: str,
    number: int,
    message: Message,
    pause: float,
) -> None:
    """Send a job back to the queue until it may run."""
    following = runs.send_back(job_id, number)
    if following is None:
        return  # this was a second delivery
    send = functools.partial(send_job, app, job_id, following, message, countdown=pause)
    with contextlib.suppress(Exception):
        # A reader will find that the message is missing, and send it.
        tell_broker(app, send)


@signals.task_received.connect
def _take(sender: Any, request: Any, **_: Any) -> None:
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
            Supervisor.current.received(request, number, message)
        receipt = Receipt(worker=_worker(request.hostname), number=number)
        with _noting_outages():
            _store(home.app).take(job_id, receipt)


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


def _worker(name: str) -> Worker:
    lease = Lease.current
    return Worker(name=name, lease=lease.id if lease else "")


class JobRequest(Request):
    """A job in the main process of its worker."""

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
            exc_info = _terminated()
            error = exc_info.exception.exc
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
                (end,) = _store(home.app).ends.get_all([self.id])
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
            Supervisor.current.died(self, failure)


def _terminated() -> ExceptionInfo:
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


def _end_after(failure: Exception, runs: Runs, live: Live) -> None:
    """End a job after an error outside of its function, which is never retried.

    Celery reports the error too. But it has one report for all attempts of a job.
    """
    said = CeleryFailure(type=type(failure).__name__, message=str(failure))
    end = said.end(live.record, time.time())
    with contextlib.suppress(JobEndedError):
        runs.check(live)
        runs.store.end(live.record.id, end.status, end.error)


#: The orphans of all jobs of this process.
_orphans = JobOrphans()


def _run(
    app: celery.Celery, runs: Runs, results: Results, live: Live, call: Call
) -> JobError | None:
    """Run a job, and return its error if it has failed."""
    execution = Execution(runs, results, live)
    with _process_of_its_own() as kill:
        before = set() if kill is None else _orphans.look()
        with FunctionWatchdog(app, runs.store, live, kill):
            outcome = execution.run(call)
    execution.finish(outcome)
    if kill is not None:
        _orphans.end(before)
    return outcome.error


@contextlib.contextmanager
def _process_of_its_own() -> Iterator[Callable[[], None] | None]:
    """In a pool process, let SIGTERM end the process and not only the function.

    Yields:
        A function that ends this process and its descendants; None if the process may
        have other jobs.
    """
    lease = Lease.current
    if lease is None or lease.pid == os.getpid():
        yield None
        return
    adopt_orphans()
    lead_group()
    # Billiard raises SystemExit, which the function might raise itself.
    previous = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with marked(lease.pid):
            yield _exit
    finally:
        signal.signal(signal.SIGTERM, previous)


def _exit() -> None:
    """End this process and its descendants. Celery logs no error for exit code 0."""
    end_children()
    os._exit(0)


class Execution:
    """One run of a job.

    Args:
        runs: of this worker.
        results: the result cache.
        live: the job, as this worker started it.
    """

    def __init__(self, runs: Runs, results: Results, live: Live) -> None:
        self._runs = runs
        self._results = results
        self._live = live

    def run(self, call: Call) -> Outcome:
        """Run the function, and write its reports."""
        record = self._live.record
        name = record.task
        job = CurrentJob.of(record, self._is_unwanted, self)
        try:
            task = runtime.find(call, name)
            outcome = runtime.run_once(
                task, call, job, self._report, self._results, _REPORT_INTERVAL
            )
        except Exception as error:
            outcome = runtime.failure(name, error, call, job=job)
        if outcome.exception is SoftTimeLimitExceeded:
            return Outcome(status=Status.TIMED_OUT, error=outcome.error)
        return outcome

    def finish(self, outcome: Outcome) -> None:
        """Write how it ended, unless another process has ended it."""
        ended = outcome.end(self._live.record, time.time())
        with contextlib.suppress(JobEndedError):
            self._change(ended, outcome.result)

    def load(self) -> str | None:
        """Return the job's checkpoint; None if it has none."""
        return self._runs.store.checkpoint(self._live.record.id)

    def save(self, text: str) -> None:
        """Replace the job's checkpoint.

        Raises:
            JobEndedError: another process has ended the job, or runs it.
        """
        self._runs.check(self._live)
        store, job_id = self._runs.store, self._live.record.id
        store.save_checkpoint(job_id, text)
        if store.ends.get(job_id) is not None:
            # It has ended in between, and nothing else would delete it any more.
            store.save_checkpoint(job_id, "")

    def _is_unwanted(self) -> bool:
        return self._runs.has_outside_end(self._live.record.id)

    def _report(self, report: Report) -> None:
        self._change(self._live.record.report(time.time(), report))

    def _change(self, record: Record, result: bytes | None = None) -> None:
        self._live = self._runs.change(self._live, record, result)


@inspect_command(name=DESCRIBE)
def describe(state: Any) -> dict[str, Any]:
    """Return what ``dash-long-jobs doctor`` compares between workers."""
    packages = {name: version(name) for name in ("dash-long-components", "dash")}
    return {"time": time.time(), "versions": packages}


@control_command(name=END_JOB, args=[("job_id", str), ("grace", float)])
def end_job(state: Any, job_id: str, grace: float = 0.0) -> None:
    """End a running job and all its processes, ``grace`` seconds from now.

    Runs in the worker's main process. Celery's own ``revoke`` ends one process, and
    leaves the programs that it has started. Where a pool can't end a function, the
    function ends at its next ``set_progress``.
    """
    pool = state.consumer.pool
    supervisor = Supervisor.current
    if isinstance(pool, PreforkPool) and supervisor is not None:
        if not supervisor.cancel(job_id, grace):
            worker_state.revoked.add(job_id)
        return
    request: Any = worker_state.requests.get(job_id)
    if request is None:
        worker_state.revoked.add(job_id)
    elif grace > 0:
        state.consumer.timer.call_after(grace, _terminate, (pool, job_id, request))
    else:
        _terminate(pool, job_id, request)


def _terminate(pool: Any, job_id: str, request: Any) -> None:
    is_current = worker_state.requests.get(job_id) is request
    if is_current:
        with contextlib.suppress(NotImplementedError):
            request.terminate(pool, signal="KILL")
