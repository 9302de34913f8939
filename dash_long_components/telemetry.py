"""Traces and metrics by OpenTelemetry, where its API is installed.

Without the API, or without an SDK that the app has set up, all of this does nothing.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

#: Names the package in what is exported.
_SCOPE = "dash_long_components"

#: A value to export, with its attributes.
Observation = tuple[float, dict[str, str]]

#: Milliseconds that a worker gives exporters at the end of a job.
_FLUSH_TIMEOUT = 2000


@functools.cache
def _api() -> Any:
    """Return the API: its modules ``metrics``, ``propagate`` and ``trace``, or None."""
    try:
        import opentelemetry.metrics
        import opentelemetry.propagate
        import opentelemetry.trace
    except ImportError:
        return None
    return opentelemetry


def load() -> None:
    """Import the API, if it is installed."""
    _api()


def current_trace() -> dict[str, str]:
    """Return the current trace as text, for another process: ``traceparent`` and such.

    Empty outside of a trace.
    """
    carrier: dict[str, str] = {}
    if _api() is not None:
        _api().propagate.inject(carrier)
    return carrier


def count(name: str, description: str, **attributes: str) -> None:
    """Add one to a counter."""
    if _api() is not None:
        _counter(name, description).add(1, attributes)


@functools.cache
def _counter(name: str, description: str) -> Any:
    return _api().metrics.get_meter(_SCOPE).create_counter(name, "1", description)


def _record_run(seconds: float, attributes: Mapping[str, str]) -> None:
    """Add the time of a run to the histogram of run times."""
    _run_times().record(seconds, attributes)


@functools.cache
def _run_times() -> Any:
    return (
        _api()
        .metrics.get_meter(_SCOPE)
        .create_histogram("dash_long_jobs.run.duration", "s", "Time of a run")
    )


def observe(
    name: str, unit: str, description: str, look: Callable[[], Iterable[Observation]]
) -> None:
    """Export a gauge, whose values ``look`` returns whenever they are exported.

    An exception of ``look`` exports nothing.
    """
    if _api() is None:
        return
    metrics = _api().metrics

    def call(_options: Any) -> Iterator[Any]:
        with suppress(Exception):  # each job store has errors of its own
            for value, attributes in look():
                yield metrics.Observation(value, attributes)

    metrics.get_meter(_SCOPE).create_observable_gauge(name, [call], unit, description)


class RunSpan:
    """The span of a job's run.

    Args:
        span: of the API; None without it.
        task: name of the task.
    """

    def __init__(self, span: Any = None, task: str = "") -> None:
        self._span = span
        self._task = task
        self._began = time.monotonic()

    def progress(self, bars: Iterable[list[Any]]) -> None:
        """Add the progress of the job as an event."""
        for value, total, text, *_rest in bars:
            if self._span is not None:
                known = {"value": value, "total": total, "text": text}
                attributes = {name: it for name, it in known.items() if it is not None}
                self._span.add_event("progress", attributes)
            return  # the outermost bar alone

    def end(self, status: str, error: str | None) -> None:
        """Note how the job has ended."""
        if self._span is None:
            return
        self._span.set_attribute("job.status", status)
        seconds = time.monotonic() - self._began
        _record_run(seconds, {"task": self._task, "status": status})
        if error is not None:
            code = _api().trace.StatusCode.ERROR
            self._span.set_status(_api().trace.Status(code, error))


@contextmanager
def run_span(
    trace: Mapping[str, str],
    *,
    task: str,
    created: float | None,
    attributes: Mapping[str, str],
) -> Iterator[RunSpan]:
    """Trace a job: its wait, which is over now, and the run in the block.

    Args:
        trace: of the request that started it, from ``current_trace``.
        task: name of the task.
        created: when it was submitted, in seconds since the epoch.
        attributes: of both spans.
    """
    api = _api()
    if api is None:
        yield RunSpan()
        return
    tracer = api.trace.get_tracer(_SCOPE)
    parent = api.propagate.extract(trace)
    if created is not None:
        began = int(created * 1e9)
        wait = tracer.start_span(
            f"wait {task}", parent, start_time=began, attributes=attributes
        )
        wait.end(max(began, time.time_ns()))
    try:
        with tracer.start_as_current_span(
            f"run {task}",
            parent,
            kind=api.trace.SpanKind.CONSUMER,
            attributes=attributes,
        ) as span:
            yield RunSpan(span, task)
    finally:
        # The process may end with the job.
        providers = [api.metrics.get_meter_provider()]
        if trace:
            providers.append(api.trace.get_tracer_provider())
        for provider in providers:
            flush = getattr(provider, "force_flush", None)
            if flush is not None:
                with suppress(Exception):
                    flush(_FLUSH_TIMEOUT)
