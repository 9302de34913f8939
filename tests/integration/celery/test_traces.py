"""A trace goes from the request of a page through the broker into a worker."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration.brokers import Redis
from tests.integration.deployment import Setting, working
from tests.integration.page import TIMEOUT, Page
from tests.integration.servers import command, serving
from tests.waiting import until

pytest.importorskip("opentelemetry.sdk")


class Collector(ThreadingHTTPServer):
    """Collects what all processes of an app export, by its kind."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: dict[str, list[Any]] = defaultdict(list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self) -> dict[str, Any]:
        """Return the spans by the first word of their names."""
        return {span["name"].split()[0]: span for span in self.received["span"]}

    def histograms(self) -> list[Any]:
        """Return the data points of the run times."""
        return [
            point
            for data in self.received["metrics"]
            for resource in data["resource_metrics"]
            for scope in resource["scope_metrics"]
            for metric in scope["metrics"]
            if metric["name"] == "dash_long_jobs.run.duration"
            for point in metric["data"]["data_points"]
        ]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert isinstance(self.server, Collector)
        self.server.received[self.path[1:]].append(json.loads(body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_trace_of_a_request_goes_on_in_a_worker(
    redis: Redis, collector: Collector, tmp_path: Path
) -> None:
    setting = Setting.celery(redis.database(), redis.database())
    environment = ["env", f"COLLECTOR={collector.url}"]
    web = [*environment, *command("traced_app.py", **setting.manager)]
    worker = [*environment, *setting.worker(app="traced_app:celery_app")]
    (tmp_path / "web").mkdir()
    with serving(web, tmp_path / "web") as server, working(worker, tmp_path / "worker"):
        assert Page(server.url).run("work", 1).status == "succeeded"
        until(
            lambda: (
                {"/_dash-update-component", "wait", "run"} <= collector.spans().keys()
                and collector.histograms()
            ),
            TIMEOUT,
        )
    found = collector.spans()
    request, wait, run = (
        found[name] for name in ("/_dash-update-component", "wait", "run")
    )
    trace_ids = {span["context"]["trace_id"] for span in (request, wait, run)}
    assert len(trace_ids) == 1
    span_id = request["context"]["span_id"]
    assert {span["parent_id"] for span in (wait, run)} == {span_id}
    assert wait["end_time"] <= run["start_time"]
    assert run["attributes"]["job.status"] == "succeeded"
    assert run["events"][0]["name"] == "progress"
    assert run["events"][0]["attributes"] == {"value": 1, "total": 4, "text": "quarter"}
    (point,) = collector.histograms()[-1:]
    assert point["count"] == 1
    assert point["attributes"] == {
        "task": run["attributes"]["job.task"],
        "status": "succeeded",
    }
