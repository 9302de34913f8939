"""What runs in Celery's workers: a task for each long callback, and a way to end it."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import celery
from celery import signals
from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.exceptions import SoftTimeLimitExceeded
from celery.worker import state as worker_state
from celery.worker.control import control_command
from celery.worker.request import Request

from ...core.caching import Results
from ...core.jobs import Call, Status
from ...core.records import Record, Report
from ...exceptions import JobEndedError
from ...running import runtime
from ...running.current import CurrentJob
from ...running.runtime import Outcome
from ...running.tasks import Task
from ..processes import adopt_orphans, kill_tree
from .documents import Documents
from .guard import Guard
from .leases import Lease
from .orphans import Leftovers, lead_group
from .parts import Live, Worker
from .result_cache import CeleryResultCache
from .runs import Runs

logger = logging.getLogger("dash_long_components")

_PREFIX = "dash_long_components."

#: Control command that ends a running job.
END_JOB = "end_dash_long_job"

#: Seconds between two writes of what a job reports.
_REPORT_INTERVAL = 0.25

#: Seconds after which a job that waits for another one looks again.
_LOOK_AGAIN = 0.5


def task_name(key: str, name: str) -> str:
    """Return the name under which Celery knows a task, and routes it."""
    return f"{_PREFIX}{name}.{key}"


def add_task(app: celery.Celery, task: Task) -> None:
    """Add a Celery task for a long callback."""
    runs = Runs(app)
    results = CeleryResultCache(Documents(app, patient=True))

    @app.task(
        name=task_name(task.key, task.name),
        bind=True,
        shared=False,
        # Celery stores only that a job was revoked, or that its process died.
        ignore_result=True,
        store_errors_even_if_ignored=True,
        # A job whose worker died is lost. It may have had effects, and only the user
        # can tell whether to repeat them.
        acks_late=False,
        max_retries=0,
        Request=JobRequest,
    )
    def run(self: Any, job_id: str, call: str, lane: str | None) -> None:
        if lane is not None and not runs.is_turn(job_id, lane):
            again: dict[str, Any] = {"countdown": _LOOK_AGAIN}
            if self.request.expires:
                again["expires"] = datetime.fromisoformat(self.request.expires)
            if self.request.timelimit:
                again["time_limit"] = self.request.timelimit[0]
            publish(app, self.name, job_id, call, lane, **again)
        else:
            worker = _worker(self.request.hostname)
            loaded = Call.from_json(call.encode())
            _run(app, runs, results, job_id, loaded, worker)


def publish(
    app: celery.Celery,
    name: str,
    job_id: str,
    call: str,
    lane: str | None,
    **options: Any,
) -> None:
    """Send a job to Celery's broker.

    Args:
        app: of the broker.
        name: of the Celery task.
        job_id: becomes the id of the Celery task.
        call: what to run, as JSON text.
        lane: name of the lane in which the job waits for its turn; None if it does not.
        options: of ``Celery.send_task``.
    """
    app.send_task(
        name,
        args=(job_id, call, lane),
        task_id=job_id,
        # Keep arguments and cookies out of logs and monitors.
        argsrepr=job_id,
        ignore_result=True,
        add_to_parent=False,
        **options,
    )


@signals.task_received.connect
def _take(sender: Any, request: Any, **_: Any) -> None:
    """Note which worker has received a job, before its pool gets it."""
    if request.name.startswith(_PREFIX):
        if not isinstance(sender.pool, PreforkPool):
            # The guard enforces the time limit: most other pools have none, and that
            # of gevent raises an error in the function.
            request.time_limits = (None, None)
        Runs(request.app).take(request.id, _worker(request.hostname))


def _worker(name: str) -> Worker:
    lease = Lease.current
    return Worker(name=name, lease=lease.id if lease else "")


class JobRequest(Request):
    """A job in the main process of its worker."""

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """End the process of a job, and its descendants, when its time is over."""
        pid: Any = self.worker_pid
        if not soft and pid not in (None, os.getpid()):
            kill_tree(pid)
        super().on_timeout(soft, timeout)


#: Of all jobs of this process.
_leftovers = Leftovers()


def _run(
    app: celery.Celery,
    runs: Runs,
    results: Results,
    job_id: str,
    call: Call,
    worker: Worker,
) -> None:
    live = runs.start(job_id, worker)
    if live is None:
        logger.info("Job %s has ended or was started before: not run.", job_id)
        return
    execution = Execution(runs, results, live)
    with _process_of_its_own() as kill:
        before = set() if kill is None else _leftovers.look()
        with Guard(app, runs.store, live.record, kill):
            outcome = execution.run(call)
    has_ended_it = execution.finish(outcome)
    if kill is not None and not has_ended_it:
        # It ended because it was asked to. A job that is killed leaves nothing either.
        for pid in _leftovers.look() - before:
            kill_tree(pid)


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
        yield functools.partial(kill_tree, os.getpid())
    finally:
        signal.signal(signal.SIGTERM, previous)


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
        name = self._live.record.task
        try:
            task = runtime.find(call, name)
            job = CurrentJob(self._live.record.id, name, self._is_unwanted)
            outcome = runtime.run_once(
                task, call, job, self._report, self._results, _REPORT_INTERVAL
            )
        except Exception as error:
            outcome = runtime.failure(name, error, call)
        if outcome.exception is SoftTimeLimitExceeded:
            return Outcome(status=Status.TIMED_OUT, error=outcome.error)
        return outcome

    def finish(self, outcome: Outcome) -> bool:
        """Write how it ended. Return False if another process has ended it."""
        ended = self._live.record.end(
            outcome.status, time.time(), outcome.error, outcome.libraries
        )
        try:
            self._change(ended, outcome.result)
        except JobEndedError:
            return False
        return True

    def _is_unwanted(self) -> bool:
        return self._runs.has_outside_end(self._live.record.id)

    def _report(self, report: Report) -> None:
        self._change(self._live.record.report(time.time(), report))

    def _change(self, record: Record, result: bytes | None = None) -> None:
        self._live = self._runs.change(self._live, record, result)


@control_command(name=END_JOB, args=[("job_id", str), ("grace", float)])
def end_job(state: Any, job_id: str, grace: float = 0.0) -> None:
    """End a running job and all its processes, ``grace`` seconds from now.

    Runs in the worker's main process. Celery's own ``revoke`` ends one process, and
    leaves the programs that it has started. Where a pool can't end a function, the
    function ends at its next ``set_progress``.
    """
    request = worker_state.requests.get(job_id)
    pool = state.consumer.pool
    if request is None:
        worker_state.revoked.add(job_id)
    elif grace > 0:
        state.consumer.timer.call_after(grace, _kill_job, (pool, job_id, request))
    else:
        _kill_job(pool, job_id, request)


def _kill_job(pool: Any, job_id: str, request: Any) -> None:
    is_current = worker_state.requests.get(job_id) is request
    if not is_current:
        return  # it has ended, and its process may have another job
    if isinstance(pool, PreforkPool) and request.worker_pid:
        kill_tree(request.worker_pid)
    with contextlib.suppress(NotImplementedError):
        request.terminate(pool, signal="KILL")
