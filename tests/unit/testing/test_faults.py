"""Polls fail as a test wants, and every job still gets its result."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dash import Input, Output, html

import dash_long_components as dlc
from dash_long_components import LongCallbackError
from dash_long_components.testing import (
    Job,
    MemoryLongCallbackManager,
    Page,
    PollFaults,
    wait_for_job,
)
from tests import backends

POLL = "/_dash-long-jobs/poll"


@pytest.fixture(params=backends.ALL)
def app(request: pytest.FixtureRequest) -> Iterator[dlc.Dash]:
    manager = MemoryLongCallbackManager(inline=True)
    options = backends.options(request.param)
    app = dlc.Dash(__name__, long_callback_manager=manager, **options)
    app.layout = html.Div()

    @app.long_callback(Output("out", "children"), Input("in", "value"))
    def echo(value: Any) -> Any:
        return value

    yield app
    manager.close()


@pytest.fixture
def job(app: dlc.Dash) -> Job:
    """A job that has ended, of which nothing has been polled yet."""
    return Page(app).start("out.children", {"in.value": "x"})


@pytest.fixture
def poll(app: dlc.Dash, job: Job) -> Callable[[int], dict[str, Any]]:
    """Poll for what is newer than a cursor."""

    def ask(cursor: int = 0) -> dict[str, Any]:
        body = json.dumps([[job.handle["token"], cursor]]).encode()
        return dict(backends.send(app, POLL, body).get_json())

    return ask


def test_page_gets_its_result_in_spite_of_all_faults(app: dlc.Dash, job: Job) -> None:
    with PollFaults(app) as faults:
        faults.drop(2).fail(503, retry_after=1).fail(429).reorder().delay(0.01)
        wait_for_job(job)
        assert job.outputs == {"out.children": "x"}
    again = Page(app).run("out.children", {"in.value": "y"})
    assert again.outputs == {"out.children": "y"}


def test_dropped_answer_breaks_the_connection(app: dlc.Dash, job: Job) -> None:
    with PollFaults(app) as faults:
        faults.drop()
        with pytest.raises(ConnectionError):
            job.page.poll(job)
        assert faults.pending == 0
        job.page.poll(job)
    assert job.has_ended


def test_delayed_answer_comes_late(app: dlc.Dash, job: Job) -> None:
    with PollFaults(app) as faults:
        faults.delay(0.05)
        start = time.monotonic()
        job.page.poll(job)
        assert time.monotonic() - start >= 0.05
    assert job.has_ended


def test_failure_is_that_of_a_proxy(app: dlc.Dash, job: Job) -> None:
    with PollFaults(app) as faults:
        faults.fail(502, retry_after=2.5)
        answer = backends.send(app, POLL, b"[]")
        assert answer.status_code == 502
        assert answer.headers["Retry-After"] == "2.5"
        assert answer.mimetype == "text/html"
        faults.fail(403)
        with pytest.raises(LongCallbackError, match="403"):
            wait_for_job(job)


def test_repeated_answer_comes_twice(
    app: dlc.Dash, poll: Callable[..., dict[str, Any]]
) -> None:
    first = poll()
    cursor = first["jobs"]["0"]["cursor"]
    with PollFaults(app) as faults:
        faults.repeat()
        assert poll(0)["jobs"] == first["jobs"]
        assert faults.pending == 1
        assert poll(cursor)["jobs"] == first["jobs"]
        assert faults.pending == 0
        assert "jobs" not in poll(cursor)


def test_overtaken_answer_comes_after_the_next(
    app: dlc.Dash, poll: Callable[..., dict[str, Any]]
) -> None:
    cursor = poll()["jobs"]["0"]["cursor"]
    with PollFaults(app) as faults:
        faults.reorder()
        with pytest.raises(ConnectionError):
            poll(0)
        assert "jobs" not in poll(cursor)
        assert poll(cursor)["jobs"]["0"]["cursor"] == cursor
        assert faults.pending == 0


def test_old_answers_go_only_to_polls_for_the_same_jobs(
    app: dlc.Dash, job: Job
) -> None:
    other = Page(app).start("out.children", {"in.value": "y"})
    with PollFaults(app) as faults:
        faults.repeat()
        job.page.poll(job)
        other.page.poll(other)
        assert other.outputs == {"out.children": "y"}
        assert faults.pending == 1


def test_other_requests_work_as_usual(app: dlc.Dash) -> None:
    with PollFaults(app) as faults:
        faults.drop()
        assert backends.send(app, "/", method="GET").status_code == 200
        assert faults.pending == 1
