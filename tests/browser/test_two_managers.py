"""A page with jobs of two managers, one of which can't be reached for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import dash
import psutil
import pytest
from celery import Celery
from dash import Input, Output, html, set_props
from dash.testing.browser import Browser

import dash_long_components as dlc
from dash_long_components.testing import MemoryLongCallbackManager
from tests.browser.long_job_pages import JobPart
from tests.browser.pages import Page
from tests.integration import brokers
from tests.promises import promised
from tests.waiting import until

BOUND = 30  # seconds, for what hangs
LOST = "Connection lost"


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[brokers.Redis]:
    """A Redis for a test that kills it."""
    with brokers.redis(tmp_path) as server:
        yield server


class Steps:
    """Where the jobs wait for the test."""

    def __init__(self) -> None:
        self.report, self.end = threading.Event(), threading.Event()

    def release(self) -> None:
        self.report.set()
        self.end.set()


@pytest.fixture
def steps() -> Iterator[Steps]:
    steps = Steps()
    yield steps
    steps.release()


@pytest.fixture
def app(own_redis: brokers.Redis, steps: Steps) -> Iterator[dlc.Dash]:
    """An app with a job in memory, and one that waits on Redis for a worker."""
    memory = MemoryLongCallbackManager()
    url = own_redis.database()
    celery = dlc.CeleryLongCallbackManager(Celery(broker=url, backend=url))
    app = dlc.Dash(__name__, long_callback_manager=memory)
    managers = {"near": memory, "far": celery}
    app.layout = html.Div(
        [
            part
            for name in managers
            for part in (
                html.Button(name, id=f"run-{name}"),
                html.P("nothing", id=f"{name}-text"),
                dlc.LongJob(id=name),
            )
        ]
    )
    for name, manager in managers.items():

        @app.long_callback(
            Output(f"{name}-text", "children"),
            Input(f"run-{name}", "n_clicks"),
            job=name,
            manager=manager,
            prevent_initial_call=True,
        )
        def work(_clicks: int, name: str = name) -> str:
            steps.report.wait(BOUND)
            set_props(f"{name}-text", {"children": "half"})
            steps.end.wait(BOUND)
            return "done"

    yield app
    steps.release()
    memory.close()


class Crash:
    """Redis is gone: it refuses connections."""

    def begin(self, redis: brokers.Redis) -> None:
        redis.kill()

    def end(self, redis: brokers.Redis) -> None:
        redis.start()


class Hang:
    """Redis takes requests and does not answer."""

    def begin(self, redis: brokers.Redis) -> None:
        psutil.Process(redis.pid).suspend()

    def end(self, redis: brokers.Redis) -> None:
        psutil.Process(redis.pid).resume()


@pytest.mark.parametrize("outage", [Crash(), Hang()], ids=["crash", "hang"])
def test_outage_of_one_manager_is_shown_at_its_jobs_alone(
    browser: Browser,
    serve: Callable[[dash.Dash], str],
    app: dlc.Dash,
    own_redis: brokers.Redis,
    steps: Steps,
    outage: Crash | Hang,
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = Page(browser, serve(app))
    near, far = JobPart(page, "near"), JobPart(page, "far")
    page.click("#run-far")
    far.wait_for_status("Queued")
    page.click("#run-near")
    near.wait_for_status("Running")
    outage.begin(own_redis)
    with promised("interval + 10 s", interval=1):
        far.wait_for(LOST)
    steps.report.set()
    with promised("interval + 10 s", interval=1):
        page.wait_for_text("#near-text", "half")
    assert LOST not in near.text
    outage.end(own_redis)
    with promised("interval + 15 s", interval=1):
        until(lambda: LOST not in far.text, BOUND)
    assert far.status == "Queued"
    steps.end.set()
    page.wait_for_text("#near-text", "done")
    caplog.clear()
