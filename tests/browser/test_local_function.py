"""A long callback defined inside a function, in the process of the test itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dash
import diskcache
from dash import Input, Output, html
from dash.testing.browser import Browser

from dash_long_components import DiskcacheLongCallbackManager, long_callback
from tests.browser.pages import Page


def test_local_function_runs_in_another_process(
    browser: Browser, serve: Callable[[dash.Dash], str], tmp_path: Path
) -> None:
    manager = DiskcacheLongCallbackManager(diskcache.Cache(tmp_path / "cache"))
    app = dash.Dash(__name__)
    manager.init_app(app)
    factor = 6

    app.layout = html.Div(
        [
            html.Button("Run", id="run"),
            html.P(id="text"),
            html.P(id="pid"),
        ]
    )

    @long_callback(
        [Output("text", "children"), Output("pid", "children")],
        Input("run", "n_clicks"),
        prevent_initial_call=True,
    )
    def multiply(n_clicks: int) -> list[Any]:
        return [n_clicks * factor, os.getpid()]

    try:
        page = Page(browser, serve(app))
        for _ in range(7):
            page.click("#run")
        page.wait_for_text("#text", "42")
        assert page.text("#pid") != str(os.getpid())
    finally:
        manager.close()
