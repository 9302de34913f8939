"""Write the reports of a running job to its record."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Literal

from ..bridge import internals
from ..core import bars
from ..core.bars import Bar, Bars
from ..core.lines import Lines
from ..core.questions import Question
from ..core.reports import Report
from ..core.steps import Steps
from ..core.updates import PropUpdate, compact, is_change
from ..exceptions import JobCancelled, JobEndedError
from . import part_limits
from .current import CurrentJob

#: Seconds between two writes, where writing is cheap.
REPORT_INTERVAL = 0.1

#: The pause after a slow write: this many times as long as the write took, and at most
#: so many seconds.
_PAUSE_FACTOR, _LONGEST_PAUSE = 9, 2.0

#: Writes a report to the job's record.
Write = Callable[[Report], None]

#: Updates of properties that may wait for a write before they are merged.
_ROOM = 1000

#: Types whose values are immutable, and JSON data as they are.
_CONSTANTS: frozenset[type] = frozenset({str, int, bool, type(None)})

#: Types of a grouping of Outputs.
_GROUPINGS = (list, tuple, dict)


class Reporter:
    """Collects the reports of a running job, and writes them in batches.

    A thread writes the first report at once, then a few times a second at most, so
    that a report costs the job next to nothing. ``close`` writes the rest.

    Attributes:
        bars: the progress bars of the job.
        steps: its steps.

    Args:
        write: called from one thread at a time. Raises ``JobEndedError`` if the job
            has ended elsewhere.
        progress_outputs: ``[component id, property]`` for each progress Output.
        progress_schema: the grouping of progress Outputs; None if there are none.
        interval: seconds between two writes.
        job: after its cancel, a report raises ``JobCancelled``; None to raise nothing.
        steps: names of the job's steps, as far as they are known.
        lines: number of lines in the job's log so far.
    """

    def __init__(
        self,
        write: Write,
        progress_outputs: list[list[Any]],
        progress_schema: Any,
        interval: float = REPORT_INTERVAL,
        job: CurrentJob | None = None,
        steps: Iterable[str] = (),
        lines: int = 0,
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
        self._last_progress = [internals.NO_UPDATE] * len(progress_outputs)
        #: Positions of the progress Outputs that have got a Patch.
        self._patched: set[int] = set()
        self._props: list[PropUpdate] = []
        self._room = _ROOM
        self._bars_changed = False
        self._steps_changed = False
        self._title: str | None = None
        self._question: Question | Literal[False] | None = None
        #: Held while a report is written.
        self._writing = threading.Lock()
        self._failure: Exception | None = None
        self._pid = os.getpid()
        self._lines = Lines(lines)
        self.bars = Bars(self._touch, self._check_cancelled)
        self.steps = Steps(self._touch_steps, steps, time.monotonic())

    def set_progress(self, *value: Any) -> None:
        """Report progress: one value for each progress Output, in their grouping.

        ``no_update`` leaves an Output as it is. The page gets the last value,
        and every Patch.

        Without progress Outputs, set the job's own bar: a number from 0 to 1,
        ``(value, total)`` or ``(value, total, text)``; None removes the bar. A call
        with several arguments is one with a tuple of them.

        Raises:
            TypeError: a value is not JSON serializable, or has the wrong type.
            ValueError: the value has another grouping than the Outputs, or a number is
                out of range.
            RuntimeError: a part of the job calls this, or a process that it has forked.
            JobCancelled: the job is cancelled, or has ended elsewhere.
        """
        part_limits.check("set_progress()")
        self._check_process()
        self._check_cancelled()
        progress = value[0] if len(value) == 1 else value
        if self._schema is None:
            self.bars.set_own(None if progress is None else Bar.parse(progress))
            self._touch()
            return
        # Loops call this for each item: flatten only groupings that need it.
        if type(progress) in (list, tuple) and len(progress) == self._flat_length:
            items = progress
        else:
            items = self._flatten(progress)
        is_plain = _CONSTANTS.issuperset(map(type, items))
        # Encode now: a mutable value may change before the write.
        values = list(items) if is_plain else [_constant(item) for item in items]
        with self._lock:
            is_first = self._progress is None
            if not is_plain:
                values = self._without_no_update(values)
            if self._patched or (not is_plain and self._has_change(values)):
                values = self._without_patched(values)
            self._progress = self._last_progress = values
        if is_first:
            self._notify()

    def _without_no_update(self, values: list[Any]) -> list[Any]:
        return [
            last if value == internals.NO_UPDATE else value
            for value, last in zip(values, self._last_progress, strict=True)
        ]

    def _has_change(self, values: list[Any]) -> bool:
        targets = zip(self._outputs, values, strict=True)
        return any(is_change(target[0], value) for target, value in targets)

    def _without_patched(self, values: list[Any]) -> list[Any]:
        """Report the values of Outputs that get Patches as ``set_props`` would.

        ``set_props`` skips none and keeps their order. Return the other values.
        """
        updates: list[PropUpdate] = []
        for at, (target, value) in enumerate(zip(self._outputs, values, strict=True)):
            if is_change(target[0], value) and at not in self._patched:
                self._patched.add(at)
                updates.append([*target, self._last_progress[at]])
            if at in self._patched:
                updates.append([*target, value])
        self._add_props(updates)
        return [
            internals.NO_UPDATE if at in self._patched else value
            for at, value in enumerate(values)
        ]

    def _add_props(self, updates: list[PropUpdate]) -> None:
        self._props += [each for each in updates if each[2] != internals.NO_UPDATE]
        # Writes may block for a while, and a job may report a lot meanwhile.
        if len(self._props) > self._room:
            self._props = compact(self._props)
            self._room = _ROOM + 2 * len(self._props)

    def _flatten(self, value: Any) -> list[Any]:
        if not isinstance(self._schema, _GROUPINGS):
            return [value]
        if self._flat_length == 1 and not isinstance(value, list | tuple):
            return [value]
        try:
            return internals.flatten(value, self._schema)
        except ValueError as error:
            raise ValueError(
                "set_progress() takes one value for each Output of progress=, in the "
                f"same grouping, which is {self._schema!r}, not {value!r}."
            ) from error

    def set_props(self, component_id: Any, props: dict[str, Any]) -> None:
        """Report new property values of a component, Patches among them.

        Raises:
            RuntimeError: a part of the job calls this, or a process that it has forked.
            JobCancelled: the job is cancelled, or has ended elsewhere.
        """
        part_limits.check("set_props()")
        self._check_process()
        self._check_cancelled()
        # Encode now: the function may change a Patch or a list and send it again.
        values = {name: _encoded("set_props()", props[name]) for name in props}
        updates = [[component_id, name, value] for name, value in values.items()]
        with self._lock:
            self._add_props(updates)
            self._notify()

    def log(self, text: str, level: int, time: float) -> None:
        """Report lines for the log."""
        if os.getpid() == self._pid:
            self._lines.add(text, time, level)
            self._notify()

    def set_title(self, title: str) -> None:
        """Report the job's new title; "" for none."""
        if os.getpid() == self._pid:
            self._title = title
            self._notify()

    def set_question(self, question: Question | None) -> None:
        """Report a question that people should answer; None for none any more.

        A question is written when this returns: no one can answer it before, and no
        later run of the job may forget that it was asked.

        Raises:
            RuntimeError: a process that the job has forked calls this.
        """
        self._check_process()
        with self._lock:
            self._question = question or False
        if question is None:
            self._notify()
        else:
            self._flush()

    def check(self) -> None:
        """Raise what prevents the job from reporting.

        Raises:
            JobCancelled: the job is cancelled, or has ended elsewhere.
            Exception: a write failed.
        """
        self._check_cancelled()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """Write the rest.

        Raises:
            Exception: a write failed, now or before.
        """
        self._closed.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._flush()
        if self._failure is not None:
            raise self._failure

    def _check_process(self) -> None:
        # With two writers of one record, the page would miss reports of one of them,
        # and the end of the job.
        if os.getpid() != self._pid:
            raise RuntimeError(
                "A process that the job has forked can't report for it. Call "
                "set_progress(), set_props() and ask() in the job's own process, when "
                "results of the others arrive."
            )

    def _check_cancelled(self) -> None:
        # For a function with cancel_grace, and for one whose process the manager can't
        # kill for it alone.
        if self._has_ended or (self._job is not None and self._job.cancelled):
            raise JobCancelled

    def _touch(self) -> None:
        # Loops call this for each item. A process that the job forks has copies of the
        # bars and locks, and no thread that writes.
        if not self._bars_changed:
            self._bars_changed = True
            if os.getpid() == self._pid:
                self._notify()

    def _touch_steps(self) -> None:
        if os.getpid() == self._pid:
            self._steps_changed = True
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
            # A large report takes long to write: leave most of the time to the job.
            pause = min(_PAUSE_FACTOR * took, _LONGEST_PAUSE)
            self._closed.wait(max(self._interval, pause))

    def _flush(self) -> None:
        with self._writing:
            self._write_news()

    def _write_news(self) -> None:
        with self._lock:
            progress, self._progress = self._progress, None
            props, self._props = self._props, []
            self._room = _ROOM
            question, self._question = self._question, None
        # Before they are read: a change during the read is for the next write.
        bars_changed, self._bars_changed = self._bars_changed, False
        steps_changed, self._steps_changed = self._steps_changed, False
        title, self._title = self._title, None
        if progress is not None:
            own = bars.from_outputs(self._outputs, progress)
            bars_changed = bars_changed or own is not None or self.bars.own is not None
            self.bars.set_own(own)
        log = self._lines.take()
        is_news = (
            any((progress, props, bars_changed, steps_changed, log))
            or title is not None
            or question is not None
        )
        if self._failure is not None or not is_news:
            return
        report = Report(
            progress=None if progress is None else self._progress_updates(progress),
            props=props,
            bars=self.bars.to_wire() if bars_changed else None,
            steps=self.steps.to_wire() if steps_changed else None,
            log=log,
            title=title,
            question=question,
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
            if value != internals.NO_UPDATE
        ]


def _encoded(where: str, value: Any) -> Any:
    try:
        return internals.to_json_data(value)
    except TypeError as error:
        raise TypeError(
            f"{where} got {value!r}, which is not JSON serializable: {error}. Pass "
            "components, text, numbers, or lists and dicts of such."
        ) from error


def _flat_length(schema: Any) -> int | None:
    """Return the length of a flat list of Outputs; None for any other grouping."""
    is_flat = isinstance(schema, list | tuple) and not any(
        isinstance(item, _GROUPINGS) for item in schema
    )
    return len(schema) if is_flat else None


def _constant(value: Any) -> Any:
    """Return a value as JSON data that its owner can't change."""
    kind = type(value)
    # Dash's encoder has a form of its own for infinite numbers and NaN.
    if kind in _CONSTANTS or (kind is float and math.isfinite(value)):
        return value
    return _encoded("set_progress()", value)
