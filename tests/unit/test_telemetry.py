"""Traces, metrics and log records of jobs, exported in this very process."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dash import Input, Output, html

import dash_long_components as dlc
from dash_long_components import telemetry
from dash_long_components.core.log_fields import user_hash
from dash_long_components.exceptions import StoreUnavailableError
from dash_long_components.testing import MemoryLongCallbackManager, Page, wait_for_job

pytest.importorskip("opentelemetry.sdk")
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


class Site:
    """An app whose traces and metrics are kept in memory."""

    def __init__(self) -> None:
        self.manager = MemoryLongCallbackManager()
        self.app = dlc.Dash(
            __name__,
            long_callback_manager=self.manager,
            long_callback_user=lambda: "ada",
        )
        self.app.layout = html.Div()

        @self.app.long_callback(Output("out", "children"), Input("in", "value"))
        def work(set_progress: Callable[[Any], None], value: Any) -> Any:
            set_progress((1, 4, "quarter"))
            with trace.get_tracer("app").start_as_current_span("own"):
                return 1 / value

        self.page = Page(self.app)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    # The API lets no one set another provider.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    return exporter


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryMetricReader]:
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    telemetry._counter.cache_clear()
    telemetry._run_times.cache_clear()
    yield reader
    telemetry._counter.cache_clear()
    telemetry._run_times.cache_clear()
    provider.shutdown()


@pytest.fixture
def site(spans: InMemorySpanExporter, reader: InMemoryMetricReader) -> Iterator[Site]:
    site = Site()
    yield site
    site.manager.close()


def finished(spans: Any) -> dict[str, Any]:
    """Return the exported spans by the first word of their names."""
    return {span.name.split(" ")[0]: span for span in spans.get_finished_spans()}


def test_trace_of_a_request_goes_on_in_its_job(
    site: Site, spans: InMemorySpanExporter
) -> None:
    with trace.get_tracer("server").start_as_current_span("request"):
        job = site.page.start("out.children", {"in.value": 4})
    wait_for_job(job)
    found = finished(spans)
    request, own = found["request"], found["own"]
    wait, run = found["wait"], found["run"]
    assert {span.context.trace_id for span in (request, wait, run, own)} == {
        request.context.trace_id
    }
    parents = [span.parent.span_id for span in (wait, run, own)]
    assert parents == [
        *[request.context.span_id] * 2,
        run.context.span_id,
    ]
    assert wait.end_time <= run.start_time
    (listed,) = site.manager.jobs()
    attributes = {
        **{"job.id": listed.id, "job.task": listed.task},
        "job.user": user_hash('"ada"'),
    }
    assert dict(wait.attributes) == attributes
    assert dict(run.attributes) == {**attributes, "job.status": "succeeded"}
    (event,) = run.events
    assert event.name == "progress"
    assert dict(event.attributes) == {"value": 1, "total": 4, "text": "quarter"}


def test_failure_is_in_trace_and_log(
    site: Site, spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        site.page.run("out.children", {"in.value": 0})
    run = finished(spans)["run"]
    assert run.status.status_code is trace.StatusCode.ERROR
    assert run.status.description == "ZeroDivisionError"
    (job,) = site.manager.jobs()
    records = [it for it in caplog.records if it.name == "dash_long_components"]
    fields = [(it.levelname, it.__dict__["job_status"]) for it in records]
    assert fields == [("INFO", "running"), ("ERROR", "failed"), ("INFO", "failed")]
    for record in records:
        known = record.__dict__
        assert known["job_id"] == job.id
        assert known["job_task"] == job.task
        assert known["job_user"] == user_hash('"ada"')
        assert "ada" not in known["job_user"]


def test_metrics_come_from_the_store(site: Site, reader: InMemoryMetricReader) -> None:
    site.page.run("out.children", {"in.value": 1})
    site.page.run("out.children", {"in.value": 0})
    data: Any = reader.get_metrics_data()
    points = {
        metric.name.removeprefix("dash_long_jobs."): [
            # A histogram has a count.
            (dict(point.attributes), getattr(point, "count", None) or point.value)
            for point in metric.data.data_points
        ]
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
    }
    (task,) = {job.task for job in site.manager.jobs()}
    known = {"manager": "memory", "task": task}
    assert sorted(points["jobs"], key=str) == [
        ({**known, "status": "failed"}, 1),
        ({**known, "status": "succeeded"}, 1),
    ]
    assert points["queue.length"] == [({"manager": "memory"}, 0)]
    assert points["queue.wait"] == [({"manager": "memory"}, 0.0)]
    assert [attributes for attributes, _ in points["run.median"]] == [known]
    assert points["polls"][0][1] >= 2
    assert sorted(points["run.duration"], key=str) == [
        ({"task": task, "status": "failed"}, 1),
        ({"task": task, "status": "succeeded"}, 1),
    ]


def test_export_in_an_outage_asks_once_and_has_the_other_metrics(
    site: Site, reader: InMemoryMetricReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.page.run("out.children", {"in.value": 1})
    asked = []

    def fail(*_args: Any) -> Any:
        asked.append("a question, which may take seconds")
        raise StoreUnavailableError("The job store does not respond.")

    for name in ("count_jobs", "health", "usual_durations"):
        monkeypatch.setattr(site.manager, name, fail)
    data: Any = reader.get_metrics_data()
    exported = data.resource_metrics[0].scope_metrics[0].metrics
    names = {metric.name for metric in exported}
    assert "dash_long_jobs.run.duration" in names
    assert "dash_long_jobs.jobs" not in names
    assert len(asked) == 1


def test_all_works_without_opentelemetry() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from dash_long_components import telemetry\n"
        "telemetry.count('a', 'b'); telemetry.observe('a', '1', 'b', list)\n"
        "assert telemetry.current_trace() == {}\n"
        "with telemetry.run_span({}, task='t', created=1.0, attributes={}) as span:\n"
        "    span.progress([[1, 2, None]]); span.end('failed', 'E')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
