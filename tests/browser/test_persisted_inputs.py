"""Inputs whose values the browser keeps, and has only after the page is loaded."""

from __future__ import annotations

import threading
from collections.abc import Callable

import dash
from dash import Input, Output, dcc, html
from dash.testing.browser import Browser

import dash_long_components as dlc
from dash_long_components.testing import MemoryLongCallbackManager, wait_for_job
from tests.browser.pages import Page
from tests.waiting import until


def test_store_that_fills_after_a_reload_starts_no_second_job(
    browser: Browser, serve: Callable[[dash.Dash], str]
) -> None:
    manager = MemoryLongCallbackManager()
    app = dlc.Dash(__name__, long_callback_manager=manager)
    app.layout = html.Div(
        [
            dcc.Store(id="store", storage_type="session"),
            html.Button("Choose", id="choose"),
            html.P("nothing", id="choice"),
            html.P("nothing", id="out"),
        ]
    )
    started: list[object] = []
    may_end = threading.Event()

    @app.callback(
        Output("store", "data"),
        Input("choose", "n_clicks"),
        prevent_initial_call=True,
    )
    def choose(clicks: int) -> str:
        return f"choice {clicks}"

    @app.callback(Output("choice", "children"), Input("store", "data"))
    def show(data: str | None) -> str | None:
        return data

    @app.long_callback(Output("out", "children"), Input("store", "data"))
    def work(data: str | None) -> str:
        started.append(data)
        if data is not None:
            may_end.wait(20)
        return f"made of {data}"

    page = Page(browser, serve(app))
    try:
        page.wait_for_text("#out", "made of None")
        page.click("#choose")
        until(lambda: started == [None, "choice 1"], timeout=20)
        page.wait_for_live(1)
        browser.driver.refresh()
        page.wait_for_text("#choice", "choice 1")
        may_end.set()
        page.wait_for_text("#out", "made of choice 1")
        wait_for_job(browser)
    finally:
        may_end.set()
        manager.close()
    assert started == [None, "choice 1"]
