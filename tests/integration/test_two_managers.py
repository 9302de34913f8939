"""An app with two managers goes on with one of them while the other is away."""

from __future__ import annotations

import time
from typing import Any

import pytest
from celery import Celery
from dash import Input, Output

import dash_long_components as dlc
from dash_long_components.testing import Page, wait_for_job
from dash_long_components.web.app_jobs import AppJobs
from tests.integration.page import TIMEOUT
from tests.ports import free_port

#: Seconds that an answer may take while a manager is away.
SOON = 10


def test_jobs_on_disk_go_on_while_redis_is_away(
    app: dlc.Dash, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = f"redis://127.0.0.1:{free_port()}"
    away = dlc.CeleryLongCallbackManager(Celery(broker=redis, backend=redis))
    # A server process knows the secret from before Redis went away.
    monkeypatch.setattr(away, "secret", lambda: b"secret")
    dlc.init_app(app, away)

    @app.long_callback(Output("text", "children"), Input("i", "value"))
    def double(value: int) -> int:
        return 2 * value

    job = Page(app).start("text.children", {"i.value": 3})
    wait_for_job(job, timeout=TIMEOUT)
    jobs = AppJobs.of(app)
    assert jobs is not None
    tokens = [job.handle["token"], jobs.sign("job.requester", away, None)]
    client = app.server.test_client()

    def post(name: str, body: Any) -> Any:
        began = time.monotonic()
        answer = client.post(f"/_dash-long-jobs/{name}", json=body)
        assert time.monotonic() - began < SOON
        return answer

    answer = post("poll", [[token, 0] for token in tokens]).get_json()
    assert answer["jobs"]["0"]["result"]["response"]["text"]["children"] == 6
    assert answer["unreachable"] == [1]
    assert post("poll", [[tokens[1], 0]]).status_code == 503
    assert post("cancel", tokens).status_code == 503
