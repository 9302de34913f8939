"""What a running job reports, on its way to the job's record."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from ..bridge import internals
from ..core import bars
from ..core.bars import Bar, Bars
from ..core.jobs import PropUpdate
from ..core.lines import Lines
from ..core.records import Report
from ..core.updates import compact
from ..exceptions import JobCancelled, JobEndedError
from .current import CurrentJob

#: Seconds between two writes of what a job reports, where writing is cheap.
REPORT_INTERVAL = 0.1

#: How many times as long as a write took the next one waits, and for how many seconds
#: at most.
_SHARE, _LONGEST_PAUSE = 9, 2.0

#: Writes what a job reports to its record.
Write = Callable[[Report], None]

#: Updates of properties that wait to be written before it is seen which of them count.
_ROOM = 1000

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
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._progress: list[Any] | None = None
        self._props: list[PropUpdate] = []
        self._room = _ROOM
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
            RuntimeError: this is a process that the job has forked.
            JobCancelled: nobody waits for the job any more.
        """
        self._check_process()
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
            item if _is_constant(item) else internals.to_json_data(item)
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
        return internals.flatten(value, self._schema)

    def set_props(self, component_id: Any, props: dict[str, Any]) -> None:
        """Report new property values of a component, Patches among them.

        Raises:
            RuntimeError: this is a process that the job has forked.
            JobCancelled: nobody waits for the job any more.
        """
        self._check_process()
        self._check_wanted()
        # Encoded now: a Patch or a list may be changed and sent again right after.
        updates = [
            [component_id, name, internals.to_json_data(value)]
            for name, value in props.items()
        ]
        with self._lock:
            self._props += updates
            # The place where they go may not answer for a while, and a job say much.
            if len(self._props) > self._room:
                self._props = compact(self._props)
                self._room = _ROOM + 2 * len(self._props)
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

    def _check_process(self) -> None:
        # There are no two who write one record: the page would miss what one says, and
        # the end of the job with it.
        if os.getpid() != self._pid:
            raise RuntimeError(
                "A process that the job has forked can't report for it. Call "
                "set_progress() and set_props() in the job's own process, as results "
                "of the others come in."
            )

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
            self._start()
        self._wake.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="dash-long-job-reporter", daemon=True
                )
                self._thread.start()

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
            self._room = _ROOM
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
