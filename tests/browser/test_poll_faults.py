"""A page copes with answers that are lost, late, old or refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import dash
import pytest
from dash import Input, Output, Patch, html, set_props
from dash.testing.browser import Browser

import dash_long_components as dlc
from dash_long_components.testing import (
    MemoryLongCallbackManager,
    PollFaults,
    wait_for_job,
)
from tests.browser.pages import Page
from tests.waiting import until

BOUND = 20  # seconds, for what hangs


class Steps:
    """Lets the job take one step after the other."""

    def __init__(self) -> None:
        self._permits = threading.Semaphore(0)

    def allow(self) -> None:
        self._permits.release()

    def wait(self) -> None:
        self._permits.acquire(timeout=BOUND)


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.fixture
def app(steps: Steps) -> Iterator[dlc.Dash]:
    manager = MemoryLongCallbackManager()
    app = dlc.Dash(__name__, long_callback_manager=manager)
    app.layout = html.Div(
        [
            html.Button("Run", id="run"),
            html.P("idle", id="status"),
            html.P([], id="list"),
            html.P("nothing", id="out"),
        ]
    )

    @app.long_callback(
        Output("out", "children"),
        Input("run", "n_clicks"),
        running=[(Output("status", "children"), "running", "idle")],
        prevent_initial_call=True,
    )
    def work(clicks: int) -> str:
        for number in range(3):
            steps.wait()
            patch = Patch()
            patch.append(str(number))
            set_props("list", {"children": patch})
        steps.wait()
        return f"run {clicks}"

    yield app
    for _ in range(4):
        steps.allow()
    manager.close()


@pytest.fixture
def page(
    browser: Browser, serve: Callable[[dash.Dash], str], app: dlc.Dash
) -> Iterator[Page]:
    page = Page(browser, serve(app))
    page.click("#run")
    page.wait_for_text("#status", "running")
    yield page
    # The browser logs each failed poll, and the page logs why it gave up.
    messages = [entry["message"] for entry in browser.get_logs()]
    assert all("/poll" in text or "poll with 401" in text for text in messages)


def test_each_change_is_shown_once_whatever_happens_to_answers(
    page: Page, app: dlc.Dash, steps: Steps
) -> None:
    with PollFaults(app) as faults:

        def take_step(shown: str) -> None:
            steps.allow()
            page.wait_for_text("#list", shown)
            until(lambda: faults.pending == 0, BOUND)

        faults.reorder()
        take_step("0")
        faults.repeat()
        take_step("01")
        faults.fail(503, retry_after=0.1).drop()
        take_step("012")
        steps.allow()
        page.wait_for_text("#out", "run 1")
    wait_for_job(page.browser)
    assert page.text("#list") == "012"
    assert page.text("#status") == "idle"


def test_job_is_there_again_after_a_login(
    page: Page, app: dlc.Dash, steps: Steps
) -> None:
    with PollFaults(app) as faults:
        faults.fail(401)
        page.wait_for_text("#status", "idle")
    assert page.text("#out") == "nothing"
    page.browser.driver.refresh()
    page.wait_for_text("#status", "running")
    for _ in range(4):
        steps.allow()
    page.wait_for_text("#out", "run 1")
    wait_for_job(page.browser)
    assert page.text("#list") == "012"
