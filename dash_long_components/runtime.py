"""What runs inside a worker: the function, with its context, progress and errors."""

from __future__ import annotations

import contextvars
import functools
import logging
import math
import os
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import bars, context_vars, current, dash_bridge, tasks, tqdm_hook
from .bars import Bar, Bars
from .caching import CachedResult, Results
from .current import CurrentJob
from .exceptions import (
    CodeChangedError,
    JobCancelled,
    JobEndedError,
    TaskNotFoundError,
)
from .jobs import Call, JobError, PropUpdate, Status
from .lines import Lines
from .records import Report
from .tasks import Task

logger = logging.getLogger("dash_long_components")

#: Seconds between two writes of what a job reports, where writing is cheap.
REPORT_INTERVAL = 0.1

#: How many times as long as a write took the next one waits, and for how many seconds
#: at most.
_SHARE, _LONGEST_PAUSE = 9, 2.0

#: Writes what a job reports to its record.
Write = Callable[[Report], None]

#: Types of values that stay what they are, and are JSON data as they are.
_CONSTANTS: frozenset[type] = frozenset({str, int, bool, type(None)})

#: Types that group Outputs, and the values for them.
_GROUPINGS = (list, tuple, dict)


class Reporter:
    """Takes what a running job reports, and writes it a few times a second at most.

    The first report is written at once, from a thread of its own, so that reporting
    costs the job next to nothing. ``close`` writes what is left.

    Attributes:
        bars: the progress bars of the job.

    Args:
        write: called from one thread at a time. It raises ``JobEndedError`` when the
            job's end was decided elsewhere.
        progress_outputs: ``[component id, property]`` for each progress Output.
        progress_schema: the grouping of progress Outputs; None if there are none.
        interval: seconds between two writes.
        job: whose cancel is told by an error to whoever reports for it; None if it
            is not to be told.
    """

    def __init__(
        self,
        write: Write,
        progress_outputs: list[list[Any]],
        progress_schema: Any,
        interval: float = REPORT_INTERVAL,
        job: CurrentJob | None = None,
    ) -> None:
        self._write = write
        self._job = job
        self._outputs = progress_outputs
        self._schema = progress_schema
        self._flat_length = _flat_length(progress_schema)
        self._interval = interval
        self._has_ended = False
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._progress: list[Any] | None = None
        self._props: list[PropUpdate] = []
        self._bars_changed = False
        self._failure: Exception | None = None
        self._pid = os.getpid()
        self._lines = Lines()
        self.bars = Bars(self._touch, self._check_wanted)

    def set_progress(self, value: Any) -> None:
        """Report progress: one value for each progress Output, in their grouping.

        Without progress Outputs it is the job's own bar: a number from 0 to 1,
        ``(value, total)`` or ``(value, total, text)``; None takes the bar away.

        Raises:
            dash.exceptions.InvalidCallbackReturnValue: the value has another grouping
                than the Outputs.
            TypeError: a value has no JSON form, or is no progress.
            ValueError: a number is none that a bar can have.
            JobCancelled: nobody waits for the job any more.
        """
        self._check_wanted()
        if self._schema is None:
            self.bars.own = None if value is None else Bar.parse(value)
            self._touch()
            return
        # Loops call this for each item: what is not needed each time is not done.
        if not (type(value) in (list, tuple) and len(value) == self._flat_length):
            value = self._flatten(value)
        # Encoded now, but for what can't change until it is written.
        values = [
            item if _is_constant(item) else dash_bridge.to_json_data(item)
            for item in value
        ]
        with self._lock:
            is_first = self._progress is None
            self._progress = values
        if is_first:
            self._notify()

    def _flatten(self, value: Any) -> list[Any]:
        if not isinstance(self._schema, _GROUPINGS):
            return [value]
        if self._flat_length == 1 and not isinstance(value, list | tuple):
            return [value]
        return dash_bridge.flatten(value, self._schema)

    def set_props(self, component_id: Any, props: dict[str, Any]) -> None:
        """Report new property values of a component, Patches among them.

        Raises:
            JobCancelled: nobody waits for the job any more.
        """
        self._check_wanted()
        # Encoded now: a Patch or a list may be changed and sent again right after.
        updates = [
            [component_id, name, dash_bridge.to_json_data(value)]
            for name, value in props.items()
        ]
        with self._lock:
            self._props += updates
            self._notify()

    def log(self, text: str) -> None:
        """Report a line for the log, or several."""
        if os.getpid() == self._pid:
            self._lines.add(text)
            self._notify()

    def close(self) -> None:
        """Write what is left.

        Raises:
            Exception: what a write raised, now or before.
        """
        self._closed.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._flush()
        if self._failure is not None:
            raise self._failure

    def _check_wanted(self) -> None:
        # Where the function runs in a process that can't be killed for it alone, or
        # wants to be asked first.
        if self._has_ended or (self._job is not None and self._job.cancelled):
            raise JobCancelled

    def _touch(self) -> None:
        # Loops call this for each item. A process that the job forks has bars and
        # locks as they were at that moment, and no thread to write with.
        if not self._bars_changed:
            self._bars_changed = True
            if os.getpid() == self._pid:
                self._notify()

    def _notify(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._run, name="dash-long-job-reporter", daemon=True
            )
            self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            self._wake.wait()
            self._wake.clear()
            began = time.monotonic()
            self._flush()
            took = time.monotonic() - began
            # What is large takes long to write: the job is to have its share of time.
            self._closed.wait(max(self._interval, min(_SHARE * took, _LONGEST_PAUSE)))

    def _flush(self) -> None:
        with self._lock:
            progress, self._progress = self._progress, None
            props, self._props = self._props, []
        # Before they are read: what changes meanwhile is for the next time.
        bars_changed, self._bars_changed = self._bars_changed, False
        if progress is not None:
            own = bars.from_outputs(self._outputs, progress)
            bars_changed = bars_changed or own is not None or self.bars.own is not None
            self.bars.own = own
        log = self._lines.take()
        is_news = progress or props or bars_changed or log
        if self._failure is not None or not is_news:
            return
        report = Report(
            progress=None if progress is None else self._progress_updates(progress),
            props=props,
            bars=self.bars.to_json() if bars_changed else None,
            log=log,
        )
        try:
            self._write(report)
        except JobEndedError:
            self._has_ended = True
        except Exception as error:
            self._failure = error

    def _progress_updates(self, values: list[Any]) -> list[PropUpdate]:
        return [
            [*target, value]
            for target, value in zip(self._outputs, values, strict=True)
        ]


def _flat_length(schema: Any) -> int | None:
    """Return how many Outputs a list of them has; None for any other grouping."""
    is_flat = isinstance(schema, list | tuple) and not any(
        isinstance(item, _GROUPINGS) for item in schema
    )
    return len(schema) if is_flat else None


def _is_constant(value: Any) -> bool:
    kind = type(value)
    # Dash's encoder has a form of its own for numbers that are infinite or none.
    return kind in _CONSTANTS or (kind is float and math.isfinite(value))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a function ended.

    Attributes:
        status: ``succeeded`` or ``failed``; ``cancelled`` if the function was told so.
        result: Dash's callback response as JSON text; None if it updates nothing.
        error: what was raised.
        libraries: component libraries that the function imported.
        is_lasting: whether it is the function's own word on every Output, so that it
            can be kept for others.
    """

    status: Status
    result: bytes | None = None
    error: JobError | None = None
    libraries: list[str] = field(default_factory=list)
    is_lasting: bool = False


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
    runner = dash_bridge.CallbackRunner(
        function, task.signature.args, task.signature.keywords()
    )

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
    result = response.encode() if response else None
    return Outcome(
        status=Status.SUCCEEDED,
        result=result,
        libraries=libraries,
        is_lasting=call.caching is not None
        and result is not None
        and not runner.has_handled_error
        and _is_whole(result, task, call),
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
    if outcome.is_lasting and outcome.result is not None and not job.cancelled:
        result = CachedResult(
            response=outcome.result,
            libraries=tuple(outcome.libraries),
            duration=time.monotonic() - began,
            written=time.time(),
        )
        results.put(call.caching, result)
    return outcome


def _is_whole(response: bytes, task: Task, call: Call) -> bool:
    """Tell whether a response has a value for every Output: none is ``no_update``."""
    outputs, grouping = call.context["outputs"], task.signature.output_grouping
    try:
        dash_bridge.returned_value(response, outputs, grouping)
    except KeyError:
        return False
    return True


def failure(task: str, error: BaseException, debug: bool) -> Outcome:
    """Log what a task raised, and return the outcome that says so."""
    logger.error("The long callback %s failed.", task, exc_info=error)
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
            traceback="".join(traceback.format_exception(error)) if debug else None,
        ),
    )
