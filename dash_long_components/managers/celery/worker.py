"""What the Celery manager adds to Celery's workers: tasks, and an end for jobs."""

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
from .store import CeleryStore

logger = logging.getLogger("dash_long_components")

_PREFIX = "dash_long_components."

#: Name of the control command that ends a running job.
END_JOB = "end_dash_long_job"

#: Seconds between two writes of what a job reports.
_REPORT_INTERVAL = 0.25

#: Seconds after which a job that waits for another one looks again.
_LOOK_AGAIN = 0.5


def task_name(key: str, name: str) -> str:
    """Return the name under which Celery knows a task, and routes it."""
    return f"{_PREFIX}{name}.{key}"


def add_task(app: celery.Celery, task: Task) -> None:
    """Make a Celery task of a long callback."""
    store = CeleryStore(app, patient=True)
    results = CeleryResultCache(Documents(app, patient=True))

    @app.task(
        name=task_name(task.key, task.name),
        bind=True,
        shared=False,
        # Celery keeps nothing of a job but that it was revoked or lost its process.
        ignore_result=True,
        store_errors_even_if_ignored=True,
        # A job whose worker died is lost. It may have changed the world, and it is
        # for the user to say whether it should do so again.
        acks_late=False,
        max_retries=0,
        Request=JobRequest,
    )
    def run(self: Any, job_id: str, call: str, lane: str | None) -> None:
        if lane is not None and not store.is_turn(job_id, lane):
            again: dict[str, Any] = {"countdown": _LOOK_AGAIN}
            if self.request.expires:
                again["expires"] = datetime.fromisoformat(self.request.expires)
            if self.request.timelimit:
                again["time_limit"] = self.request.timelimit[0]
            publish(app, self.name, job_id, call, lane, **again)
        else:
            worker = _worker(self.request.hostname)
            loaded = Call.from_json(call.encode())
            _run(app, store, results, job_id, loaded, worker)


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
        app: whose broker.
        name: Celery's of the task.
        job_id: becomes the id of the Celery task.
        call: what to run, as JSON text.
        lane: name of the lane in which it waits for its turn, if it does.
        options: further ones of ``Celery.send_task``.
    """
    app.send_task(
        name,
        args=(job_id, call, lane),
        task_id=job_id,
        # Arguments and cookies are nothing for logs and monitors.
        argsrepr=job_id,
        ignore_result=True,
        add_to_parent=False,
        **options,
    )


@signals.task_received.connect
def _take(sender: Any, request: Any, **_: Any) -> None:
    """Note which worker has a job, in its main process, before the pool gets it."""
    if request.name.startswith(_PREFIX):
        if not isinstance(sender.pool, PreforkPool):
            # A guard sees to it, since most other pools have no time limits. That of
            # gevent is an error in the function, like one of its own.
            request.time_limits = (None, None)
        CeleryStore(request.app).take(request.id, _worker(request.hostname))


def _worker(name: str) -> Worker:
    lease = Lease.current
    return Worker(name=name, lease=lease.id if lease else "")


class JobRequest(Request):
    """What a worker's main process knows of a job that it was given."""

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """End the process of a job whose time is over, with all that came from it."""
        pid: Any = self.worker_pid
        if not soft and pid not in (None, os.getpid()):
            kill_tree(pid)
        super().on_timeout(soft, timeout)


#: Of all jobs that this process has run.
_leftovers = Leftovers()


def _run(
    app: celery.Celery,
    store: CeleryStore,
    results: Results,
    job_id: str,
    call: Call,
    worker: Worker,
) -> None:
    live = store.start(job_id, worker)
    if live is None:
        logger.info("Job %s has ended, or was started before: not run.", job_id)
        return
    execution = Execution(store, results, live)
    with _process_of_its_own() as kill:
        before = set() if kill is None else _leftovers.look()
        with Guard(app, store, job_id, live.record.task, call.limits, kill):
            outcome = execution.run(call)
    has_ended_it = execution.finish(outcome)
    if kill is not None and not has_ended_it:
        # It was asked to end, and did. Whoever ends by force leaves nothing either.
        for pid in _leftovers.look() - before:
            kill_tree(pid)


@contextlib.contextmanager
def _process_of_its_own() -> Iterator[Callable[[], None] | None]:
    """In a process of a pool, see that whoever ends the process ends the job.

    Yields:
        What ends this process with all that came from it; None if it has other jobs.
    """
    lease = Lease.current
    if lease is None or lease.pid == os.getpid():
        yield None
        return
    adopt_orphans()
    lead_group()
    # billiard makes a SystemExit of it, which the function might have raised itself.
    previous = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        yield functools.partial(kill_tree, os.getpid())
    finally:
        signal.signal(signal.SIGTERM, previous)


class Execution:
    """One run of a job.

    Args:
        store: a patient one.
        results: where results are kept for others.
        live: the job, as this worker claimed it.
    """

    def __init__(self, store: CeleryStore, results: Results, live: Live) -> None:
        self._store = store
        self._results = results
        self._live = live

    def run(self, call: Call) -> Outcome:
        """Run the function, and write what it reports."""
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
        """Write how it ended. False if that was decided elsewhere."""
        ended = self._live.record.end(
            outcome.status, time.time(), outcome.error, outcome.libraries
        )
        try:
            self._change(ended, outcome.result)
        except JobEndedError:
            return False
        return True

    def _is_unwanted(self) -> bool:
        return self._store.has_outside_end(self._live.record.id)

    def _report(self, report: Report) -> None:
        self._change(self._live.record.report(time.time(), report))

    def _change(self, record: Record, result: bytes | None = None) -> None:
        self._live = self._store.change(self._live, record, result)


@control_command(name=END_JOB, args=[("job_id", str), ("grace", float)])
def end_job(state: Any, job_id: str, grace: float = 0.0) -> None:
    """End a running job with all its processes, in the worker's main process.

    After ``grace`` seconds, if it has not ended by itself.

    Celery's own ``revoke`` ends one process, and leaves the programs that it started.
    Where a pool can't end what it runs, the job ends at its next ``set_progress``.
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
