"""A worker: a child of the dispatcher that runs one job."""

from __future__ import annotations

import base64
import logging
import os
import sys
import time
from contextlib import suppress
from dataclasses import replace

import cloudpickle

from ....core.calls import Call
from ....exceptions import CodeChangedError, JobEndedError, TaskNotFoundError
from ....running import runtime
from ....running.current import CurrentJob
from ....running.failures import failure
from ....running.tasks import Task
from ...identity import Process
from ...processes import MARK, adopt_orphans, end_children
from ...store.outages import outlast
from ...store.store import Store
from .app_code import AppCode
from .job_writer import JobWriter
from .parts import ProcessParts
from .result_cache import ResultCache
from .settling import settle

logger = logging.getLogger("dash_long_components")

#: Name of the processes of workers in ``multiprocessing``.
PROCESS_NAME = "dash-long-job"

#: Seconds that a worker waits for a function by value. Any poll of the page brings it.
MAX_WAIT_FOR_FUNCTION = 30.0


def work(
    store: Store,
    job_id: str,
    run: int,
    app: AppCode | None,
    failures: dict[str, str],
    results: str,
) -> None:
    """Run one job and write how it ended, in a process that has done ``enter``.

    Args:
        store: where the job is stored.
        job_id: which job, which has been taken off the queue.
        run: number of the run.
        app: what to import; None in a process that was forked from one that has it.
        failures: why modules could not be imported, by name.
        results: where results are cached for other processes, as ``ResultCache.dumps``.
    """
    call = outlast(store, lambda: store.call(job_id))
    if call is None:
        return
    me = Process.current()
    if not outlast(store, lambda: store.slots.register(job_id, me, run)):
        return
    os.environ[MARK] = job_id
    if app is not None:
        failures = app.load()
    record = outlast(store, lambda: store.read(job_id))
    name = record.task
    writer = JobWriter(store, job_id, name, run)
    parts = ProcessParts(store, record, call, app, writer)
    job = CurrentJob(record, writer.is_unwanted, writer, parts, writer)
    try:
        task = _find(store, job_id, call, name, failures)
        cache = ResultCache.loads(results) if call.caching else None
        store.close()
        outcome = runtime.run_once(task, call, job, writer.report, cache)
    except JobEndedError as error:
        logger.info("%s", error)
        store.close()
        return
    except Exception as error:
        outcome = failure(name, error, call, job=job)
    writer.end(outcome)


def enter_and_work(
    store: Store,
    job_id: str,
    run: int,
    app: AppCode | None,
    failures: dict[str, str],
    results: str,
) -> None:
    """Enter, then work: the target of a process that is made for one job."""
    enter()
    work(store, job_id, run, app, failures, results)
    # The dispatcher would do it, but may have been killed.
    end_children()


def _find(
    store: Store, job_id: str, call: Call, name: str, failures: dict[str, str]
) -> Task:
    """Return the task of a call: what was imported here, else the function by value.

    Raises:
        TaskNotFoundError: it is not here, and no server process has sent it.
        CodeChangedError: another version of it is here.
    """
    try:
        return runtime.find(call, name)
    except CodeChangedError:
        if call.function is None:
            raise
    except TaskNotFoundError:
        if call.function is None:
            reason = "".join(f" Tried {key}: {why}." for key, why in failures.items())
            call = replace(call, function=_ask(store, job_id, name, reason))
    task: Task = cloudpickle.loads(base64.b64decode(call.function or ""))
    return task


def _ask(store: Store, job_id: str, name: str, reason: str) -> str:
    """Wait until a server process has sent the function of a job by value.

    Raises:
        TaskNotFoundError: none has in time.
        JobEndedError: the job has ended: it was cancelled, or can't be sent.
    """
    with suppress(JobEndedError):
        outlast(
            store,
            lambda: store.change(job_id, lambda job: job.ask_for_function(reason)),
        )
    deadline = time.monotonic() + MAX_WAIT_FOR_FUNCTION
    while time.monotonic() < deadline:
        call = outlast(store, lambda: store.call(job_id))
        if call is None:
            raise JobEndedError(f"Job {job_id} has ended: nothing could send {name}.")
        if call.function is not None:
            return call.function
        time.sleep(0.02)
    raise TaskNotFoundError.of(name, reason)


def enter() -> None:
    """Become a worker: leave what is the dispatcher's, and lead a process group."""
    adopt_orphans()
    if sys.platform != "win32":
        os.setpgid(0, 0)
    settle()
