"""Run a job's function in a worker, with its context, reports and errors."""

from __future__ import annotations

import contextvars
import functools
import logging
import os
import sys
import time
from contextlib import suppress

from .. import telemetry
from ..bridge import app_context, internals, transforms
from ..bridge.callback_runner import CallbackRunner
from ..core.caching import CachedResult, Results, find_fresh
from ..core.calls import Call
from ..core.reports import Report
from ..core.status import Status
from ..exceptions import (
    CodeChangedError,
    JobCancelled,
    JobHandedOver,
    JobWaits,
    TaskNotFoundError,
)
from . import context_vars, current, tasks, tqdm_hook, worker_init
from .current import CurrentJob
from .failures import failure
from .outcome import Outcome
from .parts import resolving
from .reporter import REPORT_INTERVAL, Reporter, Write
from .tasks import Task

logger = logging.getLogger("dash_long_components")

#: How a run may end after which its job is still live.
_STILL_LIVE = {Status.QUEUED: "handed over", Status.RUNNING: "it waits for a workflow"}


def get_ready() -> None:
    """Import what the first job would import.

    Call it in a process that forks workers, so that no job waits for these imports.
    """
    telemetry.load()
    internals.to_json_data({})  # Dash imports its encoder when it is needed


def find(call: Call, name: str) -> Task:
    """Return the task of a call, from the app that this process has imported.

    Raises:
        TaskNotFoundError: the app has no such task here.
        CodeChangedError: its code differs from that of the process that submitted it,
            and the callback does not allow that.
    """
    task = tasks.find(call.task)
    if task is None:
        raise TaskNotFoundError(
            f"The app that was imported here has no long callback {name}. Define it "
            "in code that runs when the app's module is imported."
        )
    is_allowed = call.retries is not None and call.retries.restart_on_new_code
    if task.fingerprint != call.fingerprint and not is_allowed:
        raise CodeChangedError(
            f"The code of {name} has changed since the server was started. "
            "Restart the server, and its workers if it has any."
        )
    return task


def run(
    task: Task,
    call: Call,
    job: CurrentJob,
    write: Write,
    interval: float = REPORT_INTERVAL,
) -> Outcome:
    """Run a job's function in this process, as Dash would run it in the request.

    An exception of the function becomes the outcome, ``SystemExit`` too. It is logged
    with its traceback and the task's name.
    """
    reporter = _reporter(task, call, job, write, interval)
    runner = _runner(task, job, reporter)
    pid = os.getpid()
    try:
        try:
            # In a context of its own: the process may run other jobs later.
            response, libraries = contextvars.copy_context().run(
                _run_in_context, runner, call, job, reporter
            )
        finally:
            _end_fork(pid, task.name)
            reporter.close()
    except JobCancelled:
        return Outcome(status=Status.CANCELLED)
    except JobHandedOver:
        return Outcome(status=Status.QUEUED)
    except JobWaits as wait:
        return Outcome(status=Status.RUNNING, workflow=wait.workflow)
    except BaseException as error:
        pause = job.pause_after(error, task.retry_on)
        return failure(task.name, error, call, task.error_message, job, pause)
    cacheable = None
    if call.caching is not None and response and not runner.has_handled_error:
        cacheable = _if_complete(runner.replay(response), task, call)
    return Outcome(
        status=Status.SUCCEEDED,
        result=response.encode() if response else None,
        libraries=libraries,
        cacheable=cacheable,
    )


def _reporter(
    task: Task, call: Call, job: CurrentJob, write: Write, interval: float
) -> Reporter:
    """Return the reporter of a job, which the job uses from now on."""
    reporter = Reporter(
        write,
        call.progress,
        task.progress,
        interval,
        job if call.limits.cancel_grace is not None else None,
        call.steps,
        job.lines,
    )
    reporter.bars.goes_on = job.attempt > 1
    job.report_to(reporter, call.title, task.fingerprint)
    return reporter


def _runner(task: Task, job: CurrentJob, reporter: Reporter) -> CallbackRunner:
    function = resolving(task.function, job.parts.resolve)
    if task.takes_set_progress:
        function = functools.partial(function, reporter.set_progress)
    return CallbackRunner(
        transforms.applied(task.transforms, function, task.signature),
        task.signature.args,
        task.signature.keywords(),
        lambda error: job.pause_after(error, task.retry_on) is None,
    )


def _run_in_context(
    runner: CallbackRunner, call: Call, job: CurrentJob, reporter: Reporter
) -> tuple[str | None, list[str]]:
    """Run a function where it finds the request, the app and its job."""
    context_vars.restore(call.variables)
    with app_context.entered(call.app), current.entered(job), tqdm_hook.catching():
        worker_init.prepare()
        return runner.run(call.context, reporter.set_props, reporter.bars.check)


def _end_fork(pid: int, task: str) -> None:
    """Exit in a process that a function has forked, and that has left it too.

    Only the process of the job says how the job ends.
    """
    if os.getpid() == pid:
        return
    error = sys.exc_info()[1]
    if not isinstance(error, SystemExit):
        logger.warning(
            "A process that the long callback %s has forked has left its function, and "
            "ends. Call os._exit() in it, or use multiprocessing.",
            task,
            exc_info=error,
        )
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(0 if error is None else 1)


def run_once(
    task: Task,
    call: Call,
    job: CurrentJob,
    write: Write,
    results: Results | None,
    interval: float = REPORT_INTERVAL,
) -> Outcome:
    """Run a job's function as ``run`` does, unless its result is cached by now.

    An equal job may have ended while this one was queued. A new result is in the cache
    before this returns. So an equal call finds either a live job or a cached result.

    Args:
        task: as for ``run``.
        call: as for ``run``; it has the cache key.
        job: as for ``run``.
        write: as for ``run``.
        results: the result cache; None if there is none.
        interval: as for ``run``.
    """
    _prepare_process(call)
    logger.info(
        "Job %s of %s has started.",
        job.id,
        job.task,
        extra=job.fields(Status.RUNNING),
    )
    with job.traced(call.trace) as span:

        def write_and_trace(report: Report) -> None:
            span.progress(report.bars or ())
            write(report)

        outcome = _run_unless_cached(
            task, call, job, write_and_trace, results, interval
        )
        span.end(outcome.status.value, outcome.error.type if outcome.error else None)
    logger.info(
        "Job %s of %s has ended: %s.",
        job.id,
        job.task,
        _STILL_LIVE.get(outcome.status, outcome.status.value),
        extra=job.fields(outcome.status),
    )
    return outcome


def _prepare_process(call: Call) -> None:
    """Call the functions of ``worker_init`` before the trace begins.

    They may set up its export. Their errors come again in ``run``, and fail the job.
    """

    def prepare() -> None:
        with app_context.entered(call.app):
            worker_init.prepare()

    if worker_init.has_any():
        with suppress(BaseException):
            contextvars.copy_context().run(prepare)


def _run_unless_cached(
    task: Task,
    call: Call,
    job: CurrentJob,
    write: Write,
    results: Results | None,
    interval: float,
) -> Outcome:
    if results is None or call.caching is None:
        return run(task, call, job, write, interval)
    cached = find_fresh(results, call.caching, time.time())
    if cached is not None:
        return Outcome(
            status=Status.SUCCEEDED,
            result=cached.response,
            libraries=[*cached.libraries],
        )
    began = time.monotonic()
    outcome = run(task, call, job, write, interval)
    # A function that sees its cancel may return an incomplete result, and one that has
    # asked people may get another answer next time.
    is_repeatable = not (job.has_asked or job.cancelled)
    if outcome.cacheable is not None and is_repeatable:
        result = CachedResult(
            response=outcome.cacheable,
            libraries=tuple(outcome.libraries),
            duration=time.monotonic() - began,
            written=time.time(),
        )
        results.put(call.caching, result)
    return outcome


def _if_complete(response: str | None, task: Task, call: Call) -> bytes | None:
    """Return a response with a value for every Output; None if one is missing."""
    if response is None:
        return None
    outputs, grouping = call.context["outputs"], task.signature.output_grouping
    try:
        internals.returned_value(response.encode(), outputs, grouping)
    except KeyError:
        return None
    return response.encode()
