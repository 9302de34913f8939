"""What the Celery manager adds to Celery's workers: tasks, and an end for jobs."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import celery
from celery import signals
from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.worker import state as worker_state
from celery.worker.control import control_command

from .. import runtime
from ..caching import Results
from ..current import CurrentJob
from ..exceptions import JobEndedError
from ..jobs import Call, Status
from ..records import Record, Report
from ..runtime import Outcome
from ..tasks import Task
from .celery_records import Live, Worker
from .celery_results import KeptDocuments
from .celery_store import CeleryStore
from .celery_strays import lead_group
from .documents import Documents
from .leases import Lease
from .processes import Process, adopt_orphans

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
    results = KeptDocuments(Documents(app, patient=True))

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
    )
    def run(self: Any, job_id: str, call: str, after: str | None) -> None:
        if after is not None and store.is_live(after):
            publish(app, self.name, job_id, call, after, countdown=_LOOK_AGAIN)
        else:
            worker = _worker(self.request.hostname)
            _run(store, results, job_id, Call.from_json(call.encode()), worker)


def publish(
    app: celery.Celery,
    name: str,
    job_id: str,
    call: str,
    after: str | None,
    **options: Any,
) -> None:
    """Send a job to Celery's broker.

    Args:
        app: whose broker.
        name: Celery's of the task.
        job_id: becomes the id of the Celery task.
        call: what to run, as JSON text.
        after: id of a job that has to end before.
        options: further ones of ``Celery.send_task``.
    """
    app.send_task(
        name,
        args=(job_id, call, after),
        task_id=job_id,
        # Arguments and cookies are nothing for logs and monitors.
        argsrepr=job_id,
        ignore_result=True,
        add_to_parent=False,
        **options,
    )


@signals.task_received.connect
def _take(request: Any, **_: Any) -> None:
    """Note which worker has a job, in its main process, before the pool gets it."""
    if request.name.startswith(_PREFIX):
        CeleryStore(request.app).take(request.id, _worker(request.hostname))


def _worker(name: str) -> Worker:
    lease = Lease.current
    return Worker(name=name, lease=lease.id if lease else "")


def _run(
    store: CeleryStore, results: Results, job_id: str, call: Call, worker: Worker
) -> None:
    live = store.start(job_id, worker)
    if live is None:
        logger.info("Job %s has ended, or was started before: not run.", job_id)
        return
    execution = Execution(store, results, live)
    with _process_of_its_own():
        outcome = execution.run(call)
    execution.finish(outcome)


@contextlib.contextmanager
def _process_of_its_own() -> Iterator[None]:
    """In a process of a pool, see that whoever ends the process ends the job."""
    lease = Lease.current
    if lease is None or lease.pid == os.getpid():
        yield
        return
    adopt_orphans()
    lead_group()
    # billiard makes a SystemExit of it, which the function might have raised itself.
    previous = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        yield
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
            outcome = runtime.failure(name, error, call.debug)
        if outcome.error and outcome.error.type == "SoftTimeLimitExceeded":
            return Outcome(status=Status.TIMED_OUT, error=outcome.error)
        return outcome

    def finish(self, outcome: Outcome) -> None:
        """Write how it ended, unless that was decided elsewhere."""
        with contextlib.suppress(JobEndedError):
            ended = self._live.record.end(
                outcome.status, time.time(), outcome.error, outcome.libraries
            )
            self._change(ended, outcome.result)

    def _is_unwanted(self) -> bool:
        return self._store.has_outside_end(self._live.record.id)

    def _report(self, report: Report) -> None:
        self._change(self._live.record.report(time.time(), report))

    def _change(self, record: Record, result: bytes | None = None) -> None:
        self._live = self._store.change(self._live, record, result)


@control_command(name=END_JOB, args=[("job_id", str)])
def end_job(state: Any, job_id: str) -> None:
    """End a running job with all its processes, in the worker's main process.

    Celery's own ``revoke`` ends one process, and leaves the programs that it started.
    Where a pool can't end what it runs, the job ends at its next ``set_progress``.
    """
    request = worker_state.requests.get(job_id)
    pool = state.consumer.pool
    if request is None:
        worker_state.revoked.add(job_id)
        return
    if isinstance(pool, PreforkPool) and request.worker_pid:
        with contextlib.suppress(ProcessLookupError):
            Process.of(request.worker_pid).kill_tree()
    with contextlib.suppress(NotImplementedError):
        request.terminate(pool, signal="KILL")
