"""A trace goes on in the process of a job."""

from __future__ import annotations

import pytest
from dash import Input, Output

import dash_long_components as dlc
from dash_long_components.testing import Page
from tests.integration.page import TIMEOUT

pytest.importorskip("opentelemetry.sdk")
from opentelemetry.sdk.trace import TracerProvider


def test_trace_goes_on_in_the_process_of_a_job(app: dlc.Dash) -> None:
    @app.long_callback(Output("out", "children"), Input("in", "value"))
    def trace_id(_value: object) -> str:
        from opentelemetry import trace

        return hex(trace.get_current_span().get_span_context().trace_id)

    page = Page(app)
    tracer = TracerProvider().get_tracer("server")
    with tracer.start_as_current_span("request") as request:
        job = page.run("out.children", {"in.value": 1}, timeout=TIMEOUT)
    expected = hex(request.get_span_context().trace_id)
    assert job.outputs == {"out.children": expected}
