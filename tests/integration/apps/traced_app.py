"""An app that exports its traces and metrics to ``COLLECTOR``, from every process.

``SETTINGS`` are the manager's, as JSON, those of Celery among them.
"""

import json
import os
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import celery
from dash import Input, Output, html
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SpanExporter,
    SpanExportResult,
)

import dash_long_components as dash
from dash_long_components import CeleryLongCallbackManager


def send(kind: str, text: str) -> None:
    url = f"{os.environ['COLLECTOR']}/{kind}"
    urllib.request.urlopen(url, text.encode(), timeout=10).close()


class Spans(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            send("span", span.to_json())
        return SpanExportResult.SUCCESS


class Metrics(MetricExporter):
    def export(self, metrics_data: MetricsData, *_: Any, **__: Any) -> Any:
        send("metrics", metrics_data.to_json())
        return MetricExportResult.SUCCESS

    def force_flush(self, *_: Any, **__: Any) -> bool:
        return True

    def shutdown(self, *_: Any, **__: Any) -> None:
        pass


def export() -> None:
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(Spans()))
    trace.set_tracer_provider(provider)
    reader = PeriodicExportingMetricReader(Metrics())
    metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))


settings = json.loads(os.environ["SETTINGS"])
celery_app = celery.Celery(__name__)
celery_app.conf.update(settings.pop("celery"))
manager = CeleryLongCallbackManager(celery_app, **settings)
manager.worker_init(export)
app = dash.Dash(__name__, long_callback_manager=manager)
app.layout = html.Div()


@app.long_callback(Output("work", "children"), Input("work-in", "value"))
def work(set_progress: Callable[[Any], None], value: int) -> int:
    set_progress((1, 4, "quarter"))
    return value + 1


class Instrumented:
    """The server, with a span for each request, as an instrumentation makes it."""

    def __init__(self, wsgi: Any) -> None:
        self._wsgi = wsgi

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        tracer = trace.get_tracer("server")
        with tracer.start_as_current_span(environ["PATH_INFO"]):
            return [b"".join(self._wsgi(environ, start_response))]


if __name__ == "__main__":
    export()
    app.server.wsgi_app = Instrumented(app.server.wsgi_app)
    app.run(port=os.environ["PORT"])
