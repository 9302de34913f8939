"""The manager in memory, beside the contract of all managers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import pytest
from dash import Input, Output, html

import dash_long_components as dlc
from dash_long_components import current_job
from dash_long_components.managers.memory import manager as memory
from dash_long_components.testing import Job, MemoryLongCallbackManager, Page
from dash_long_components.testing.waiting import wait_for_job
from tests.waiting import until_equal

BOUND = 10  # seconds, for what hangs


@pytest.fixture
def go_on() -> Iterator[threading.Event]:
    """Lets jobs that hold go on; at the latest at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


Start = Callable[..., Job]


@pytest.fixture
def start(go_on: threading.Event) -> Iterator[Callable[..., Start]]:
    """Make a manager and an app with a job that holds; gives what starts one."""
    managers: list[MemoryLongCallbackManager] = []

    def make(**options: Any) -> Start:
        manager = MemoryLongCallbackManager(**options)
        managers.append(manager)
        app = dlc.Dash(__name__, long_callback_manager=manager)
        app.layout = html.Div()

        @app.long_callback(
            Output("out", "children"), Input("in", "value"), on_retrigger="parallel"
        )
        def hold(value: Any) -> Any:
            if value == "at once":
                return threading.current_thread().name
            go_on.wait(BOUND)
            return value

        page = Page(app)
        return lambda value: page.start("out.children", {"in.value": value})

    yield make
    go_on.set()
    for manager in managers:
        manager.close()


def statuses(*jobs: Job) -> list[str]:
    for job in jobs:
        job.page.poll(job)
    return [job.status.value for job in jobs]


def test_jobs_beyond_max_concurrency_wait(
    start: Callable[..., Start], go_on: threading.Event
) -> None:
    begin = start(max_concurrency=2)
    jobs = [begin(number) for number in range(3)]
    assert statuses(*jobs) == ["running", "running", "queued"]
    go_on.set()
    for number, job in enumerate(jobs):
        wait_for_job(job)
        assert job.outputs == {"out.children": number}


def test_jobs_beyond_max_queue_are_rejected(start: Callable[..., Start]) -> None:
    begin = start(max_concurrency=1, max_queue=1)
    jobs = [begin(number) for number in range(3)]
    assert statuses(*jobs) == ["running", "queued", "rejected"]
    assert jobs[2].error is not None
    assert jobs[2].error["type"] == "QueueFull"


def test_cancelled_job_gives_its_place_to_the_next(
    start: Callable[..., Start],
) -> None:
    begin = start(max_concurrency=1)
    jobs = [begin(1), begin(2)]
    jobs[0].page.cancel(jobs[0])
    assert statuses(*jobs) == ["cancelled", "running"]


def test_cancelled_job_does_not_start_and_keeps_no_place(
    start: Callable[..., Start], go_on: threading.Event
) -> None:
    begin = start(max_concurrency=1)
    jobs = [begin(1), begin(2), begin(3)]
    jobs[1].page.cancel(jobs[1])
    assert statuses(*jobs) == ["running", "cancelled", "queued"]
    go_on.set()
    wait_for_job(jobs[2])
    assert statuses(*jobs) == ["succeeded", "cancelled", "succeeded"]


def test_job_runs_inline_if_told_to(start: Callable[..., Start]) -> None:
    job = start(inline=True)("at once")
    assert statuses(job) == ["succeeded"]
    # Not in the request's own thread: it would have the request's context.
    assert job.outputs["out.children"] != threading.current_thread().name


def test_next_attempt_waits_for_the_end_of_a_drain(go_on: threading.Event) -> None:
    manager = MemoryLongCallbackManager()
    app = dlc.Dash(__name__, long_callback_manager=manager)
    app.layout = html.Div()

    @app.long_callback(
        Output("a", "children"), Input("in", "value"), retries=1, backoff=0.001
    )
    def run(_value: Any) -> int:
        go_on.wait(BOUND)
        if current_job().attempt == 1:
            current_job().retry("not ready")
        return current_job().attempt

    job = Page(app).start("a.children", {"in.value": 1})
    manager.drain()
    go_on.set()
    until_equal(lambda: statuses(job), ["queued"], BOUND)
    manager.resume()
    wait_for_job(job)
    assert job.outputs == {"a.children": 2}
    manager.close()


def test_function_is_told_that_its_job_was_cancelled() -> None:
    ended = threading.Event()
    with_progress = threading.Event()
    manager = MemoryLongCallbackManager()
    app = dlc.Dash(__name__, long_callback_manager=manager)
    app.layout = html.Div()

    @app.long_callback(Output("a", "children"), Input("in", "value"))
    def look(_value: Any) -> None:
        while not current_job().cancelled:
            time.sleep(0.01)
        ended.set()

    @app.long_callback(
        Output("b", "children"), Input("in", "value"), progress=Output("b", "title")
    )
    def report(set_progress: Callable[[object], None], _value: Any) -> None:
        try:
            while True:
                set_progress(0)
                time.sleep(0.01)
        finally:
            with_progress.set()

    page = Page(app)
    page.cancel(page.start("a.children"), page.start("b.children"))
    assert ended.wait(BOUND)
    assert with_progress.wait(BOUND)
    manager.close()


@pytest.fixture
def app() -> Iterator[dlc.Dash]:
    manager = MemoryLongCallbackManager()
    app = dlc.Dash(__name__, long_callback_manager=manager)
    app.layout = html.Div()
    yield app
    manager.close()


@pytest.mark.parametrize("how", ["progress", "looks", "is deaf"])
def test_job_with_cancel_grace_may_tidy_up(
    app: dlc.Dash, go_on: threading.Event, how: str
) -> None:
    began, tidied = threading.Event(), threading.Event()

    @app.long_callback(
        Output("out", "children"),
        Input("in", "value"),
        progress=Output("bar", "value"),
        cancel_grace=0.2 if how == "is deaf" else BOUND,
    )
    def work(set_progress: Callable[[int], None], _value: Any) -> str:
        try:
            began.set()
            if how == "is deaf":
                go_on.wait(BOUND)
            while not (how == "looks" and current_job().cancelled):
                set_progress(2)
                time.sleep(0.01)
        finally:
            tidied.set()
        return "too late"

    page = Page(app)
    job = page.start("out.children")
    assert began.wait(BOUND)
    page.cancel(job)
    wait_for_job(job)
    assert tidied.is_set() == (how != "is deaf")
    assert job.status == "cancelled"
    assert job.outputs == {}


def test_job_times_out(app: dlc.Dash, go_on: threading.Event) -> None:
    @app.long_callback(Output("out", "children"), Input("in", "value"), timeout=0.1)
    def work(_value: Any) -> None:
        go_on.wait(BOUND)

    @app.long_callback(Output("echo", "children"), Input("in", "value"))
    def echo(value: Any) -> Any:
        return value

    page = Page(app)
    job = page.run("out.children")
    assert job.status == "timed_out"
    assert job.error is not None
    assert "Timed out after 0.1 s" in job.error["message"]
    assert page.run("echo.children").status == "succeeded"


def test_job_ends_when_its_page_is_gone(app: dlc.Dash, go_on: threading.Event) -> None:
    has_left = threading.Event()

    @app.long_callback(
        Output("out", "children"),
        Input("in", "value"),
        on_retrigger="parallel",
        on_leave="cancel",
        leave_timeout=3.0,
    )
    def work(_value: Any) -> str:
        while not go_on.wait(0.01):
            if current_job().cancelled:
                has_left.set()
        return "done"

    page = Page(app)
    clock = mock.Mock(wraps=time)
    with (
        mock.patch("dash_long_components.managers.store.store.time", clock),
        mock.patch("dash_long_components.managers.store.dispatching.time", clock),
        mock.patch("dash_long_components.managers.store.clock.time", clock),
        mock.patch("dash_long_components.managers.store.watchdog.time", clock),
    ):
        clock.monotonic.return_value = 0.0
        left, kept = page.start("out.children"), page.start("out.children")
        # The supervisor may look late. The steps are shorter than leave_timeout.
        for now in range(0, 100, 2):
            clock.monotonic.return_value = float(now)
            page.poll(kept)
            if has_left.wait(0.1):
                break
        assert has_left.is_set()
        go_on.set()
        wait_for_job(kept)
    wait_for_job(left)
    assert [left.status, kept.status] == ["cancelled", "succeeded"]


def test_no_thread_is_left(app: dlc.Dash) -> None:
    @app.long_callback(Output("out", "children"), Input("in", "value"), timeout=BOUND)
    def work(_value: Any) -> str:
        return "done"

    before = set(threading.enumerate())
    assert Page(app).run("out.children").status == "succeeded"
    for thread in set(threading.enumerate()) - before:
        thread.join(BOUND)
        assert not thread.is_alive()


def test_close_starts_no_job_that_waits() -> None:
    manager = MemoryLongCallbackManager(max_concurrency=1)
    app = dlc.Dash(__name__, long_callback_manager=manager)
    app.layout = html.Div()
    began: list[Any] = []
    has_begun = threading.Event()

    @app.long_callback(
        Output("out", "children"), Input("in", "value"), on_retrigger="parallel"
    )
    def wait(value: Any) -> None:
        began.append(value)
        has_begun.set()
        while not current_job().cancelled:
            time.sleep(0.01)

    jobs = [Page(app).start("out.children", {"in.value": n}) for n in range(3)]
    assert has_begun.wait(BOUND)
    manager.close()
    assert statuses(*jobs) == ["cancelled"] * 3
    assert began == [0]


def test_close_cancels_and_names_what_goes_on(
    start: Callable[..., Start],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(memory, "CLOSE_TIMEOUT", 0.01)
    manager = MemoryLongCallbackManager()
    app = dlc.Dash(__name__, long_callback_manager=manager)
    app.layout = html.Div()
    event = threading.Event()

    @app.long_callback(Output("out", "children"), Input("in", "value"))
    def deaf(_value: Any) -> None:
        event.wait(BOUND)

    job = Page(app).start("out.children")
    with caplog.at_level(logging.WARNING):
        manager.close()
    event.set()
    assert "deaf still runs" in caplog.text
    assert statuses(job) == ["cancelled"]
    manager.close()
