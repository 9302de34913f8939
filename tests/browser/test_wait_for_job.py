"""``wait_for_job`` waits until a page is idle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import dash
import pytest
from dash import Input, Output, html
from dash.testing.browser import Browser

import dash_long_components as dlc
from dash_long_components.testing import MemoryLongCallbackManager, wait_for_job
from tests.browser.pages import Page


def test_wait_is_for_all_that_follows_or_for_one_component(
    browser: Browser, serve: Callable[[dash.Dash], str]
) -> None:
    manager = MemoryLongCallbackManager()
    app = dlc.Dash(__name__, long_callback_manager=manager)
    second = {"type": "out", "index": 2}
    app.layout = html.Div(
        [
            html.Button("Run", id="run"),
            html.P(id="first"),
            html.P(id=second),
            html.P(id="held"),
            dlc.LongJob(id="job", show=[]),
        ]
    )
    go_on = threading.Event()

    @app.long_callback(
        Output("first", "children"),
        Input("run", "n_clicks"),
        prevent_initial_call=True,
    )
    def begin(clicks: int) -> int:
        return clicks

    @app.long_callback(
        Output(second, "children"),
        Input("first", "children"),
        prevent_initial_call=True,
    )
    def follow(value: int) -> str:
        return f"after {value}"

    @app.long_callback(
        Output("held", "children"),
        Input("run", "n_clicks"),
        prevent_initial_call=True,
        job="job",
    )
    def hold(clicks: int) -> Any:
        go_on.wait(20)
        return clicks

    try:
        page = Page(browser, serve(app))
        wait_for_job(browser)
        page.click("#run")
        wait_for_job(browser, "first")
        wait_for_job(browser, second)
        assert page.text("p[id*=index]") == "after 1"
        for held in (None, "held", "job"):
            with pytest.raises(TimeoutError, match=r"held.* has not ended"):
                wait_for_job(browser, held, timeout=0.1)
        go_on.set()
        wait_for_job(browser)
        assert page.text("#held") == "1"
    finally:
        go_on.set()
        manager.close()
