"""What runs inside a worker: the function, with its context, progress and errors."""

from __future__ import annotations

import contextvars
import functools
import logging
import time
import traceback
from dataclasses import dataclass, field

from ..bridge import internals
from ..bridge.callback_runner import CallbackRunner
from ..core.caching import CachedResult, Results
from ..core.jobs import Call, JobError, Status
from ..exceptions import CodeChangedError, JobCancelled, TaskNotFoundError
from . import context_vars, current, tasks, tqdm_hook
from .current import CurrentJob
from .reporter import REPORT_INTERVAL, Reporter, Write
from .tasks import Task

logger = logging.getLogger("dash_long_components")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a function ended.

    Attributes:
        status: ``succeeded`` or ``failed``; ``cancelled`` if the function was told so.
        result: Dash's callback response as JSON text; None if it updates nothing.
        error: what was raised.
        libraries: component libraries that the function imported.
        lasting: the result to be kept for others: the function's own word on every
            Output. None if it left one out, or has no such result.
    """

    status: Status
    result: bytes | None = None
    error: JobError | None = None
    libraries: list[str] = field(default_factory=list)
    lasting: bytes | None = None


def find(call: Call, name: str) -> Task:
    """Return the task of a call, as an import of the app brought it about here.

    Raises:
        TaskNotFoundError: it did not.
        CodeChangedError: it is another one than in the process that submitted it.
    """
    task = tasks.find(call.task)
    if task is None:
        raise TaskNotFoundError(
            f"{name} was not found by importing the app. Define it where an import of "
            "the app's module brings it about."
        )
    if task.fingerprint != call.fingerprint:
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
    """Run a job's function in this process, as Dash would have run it in the request.

    Whatever the function raises becomes the outcome, ``SystemExit`` too; it is logged
    with its traceback and the task's name.
    """
    reporter = Reporter(
        write,
        call.progress,
        task.progress,
        interval,
        job if call.limits.cancel_grace is not None else None,
    )
    job.report_to(reporter.bars, reporter.log)
    function = task.function
    if task.takes_set_progress:
        function = functools.partial(function, reporter.set_progress)
    runner = CallbackRunner(function, task.signature.args, task.signature.keywords())

    def run_in_context() -> tuple[str | None, list[str]]:
        context_vars.restore(call.variables)
        with current.entered(job), tqdm_hook.catching():
            return runner.run(call.context, reporter.set_props, reporter.bars.check)

    try:
        try:
            # A context of its own: the process may run other jobs after it.
            response, libraries = contextvars.copy_context().run(run_in_context)
        finally:
            reporter.close()
    except JobCancelled:
        return Outcome(status=Status.CANCELLED)
    except BaseException as error:
        return failure(task.name, error, call.debug)
    lasting = None
    if call.caching is not None and response and not runner.has_handled_error:
        lasting = _if_whole(runner.replay(response), task, call)
    return Outcome(
        status=Status.SUCCEEDED,
        result=response.encode() if response else None,
        libraries=libraries,
        lasting=lasting,
    )


def run_once(
    task: Task,
    call: Call,
    job: CurrentJob,
    write: Write,
    results: Results | None,
    interval: float = REPORT_INTERVAL,
) -> Outcome:
    """Run a job's function as ``run`` does, unless its result is there already.

    It may have come to be while the job waited. A new one is kept before this returns,
    so that there is no moment at which the job has ended and nothing is kept.

    Args:
        task: which one.
        call: what to run it with; it says under which key to keep the result.
        job: as for ``run``.
        write: as for ``run``.
        results: where results are kept; None if they are not.
        interval: as for ``run``.
    """
    if results is None or call.caching is None:
        return run(task, call, job, write, interval)
    kept = results.get(call.caching)
    if kept is not None:
        return Outcome(
            status=Status.SUCCEEDED, result=kept.response, libraries=[*kept.libraries]
        )
    began = time.monotonic()
    outcome = run(task, call, job, write, interval)
    # What a function returns that was asked to end may be half of a result.
    if outcome.lasting is not None and not job.cancelled:
        result = CachedResult(
            response=outcome.lasting,
            libraries=tuple(outcome.libraries),
            duration=time.monotonic() - began,
            written=time.time(),
        )
        results.put(call.caching, result)
    return outcome


def _if_whole(response: str | None, task: Task, call: Call) -> bytes | None:
    """Return a response that has a value for every Output: none is ``no_update``."""
    if response is None:
        return None
    outputs, grouping = call.context["outputs"], task.signature.output_grouping
    try:
        internals.returned_value(response.encode(), outputs, grouping)
    except KeyError:
        return None
    return response.encode()


def failure(task: str, error: BaseException, debug: bool) -> Outcome:
    """Log what a task raised, and return the outcome that says so."""
    where = (type(error), error, internals.own_traceback(error))
    logger.error("The long callback %s failed.", task, exc_info=where)
    try:
        message = str(error)
    except Exception:
        message = "The error has no text."
    if isinstance(error, SystemExit):
        message = (
            f"The function called sys.exit({'' if error.code is None else error})."
        )
    return Outcome(
        status=Status.FAILED,
        error=JobError(
            type=type(error).__name__,
            message=message,
            task=task,
            traceback="".join(traceback.format_exception(*where)) if debug else None,
        ),
    )
