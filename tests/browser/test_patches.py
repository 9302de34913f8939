"""A Patch counts once for each job, whatever becomes of job and component."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import dash
import pytest
from dash import Input, Output, Patch, html
from dash.testing.browser import Browser

import dash_long_components as dlc
from dash_long_components.testing import MemoryLongCallbackManager
from tests.browser.pages import Page
from tests.waiting import until

Serve = Callable[[dash.Dash], str]

WAYS = ("replace", "queue", "parallel", "ignore")


def add(number: int) -> Patch:
    patch = Patch()
    patch += number
    return patch


def append(text: str) -> Patch:
    patch = Patch()
    patch.append(text)
    return patch


class Site:
    """A counter of the live jobs, and a list that one of them grows."""

    def __init__(self) -> None:
        self.manager = MemoryLongCallbackManager(max_concurrency=9)
        self.app = dlc.Dash(__name__, long_callback_manager=self.manager)
        self.app.layout = html.Div(
            [
                *[html.Button(way, id=way) for way in WAYS],
                *[html.P(id=f"{way}-out") for way in WAYS],
                html.Button("Toggle", id="toggle"),
                html.Div(id="panel"),
            ]
        )
        self.go_on = threading.Event()
        self.app.callback(Output("panel", "children"), Input("toggle", "n_clicks"))(
            self._panel
        )
        for way in WAYS:
            self.app.long_callback(
                Output(f"{way}-out", "children"),
                Input(way, "n_clicks"),
                running=(Output("count", "children"), add(1), add(-1)),
                progress=Output("list", "children"),
                progress_default=["none"],
                on_retrigger=way,
                prevent_initial_call=True,
            )(self._run)

    def _panel(self, n_clicks: int | None) -> list[Any]:
        is_away = (n_clicks or 0) % 2
        return [] if is_away else [html.P(0, id="count"), html.P(id="list")]

    def _run(self, set_progress: Callable[[Any], None], n_clicks: int) -> int:
        set_progress(["a"])
        for text in ("b", "c", "d"):
            set_progress(append(text))
        assert self.go_on.wait(60)
        return n_clicks


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.go_on.set()
    site.manager.close()


@pytest.mark.parametrize(("way", "live"), [*zip(WAYS, (1, 2, 2, 1), strict=True)])
def test_counter_of_live_jobs_is_balanced(
    serve: Serve, browser: Browser, site: Site, way: str, live: int
) -> None:
    page = Page(browser, serve(site.app))
    page.wait_for_text("#count", "0")
    page.click(f"#{way}")
    page.wait_for_text("#count", "1")
    page.wait_for_text("#list", "abcd")
    page.click(f"#{way}")
    page.wait_for_text("#count", str(live))
    # Its layout has 0 when it comes back.
    page.click("#toggle")
    browser.wait_for_no_elements("#count")
    page.click("#toggle")
    page.wait_for_text("#count", str(live))
    page.wait_for_text("#list", "abcd")
    site.go_on.set()
    page.wait_for_text("#count", "0")
    page.wait_for_text("#list", "none")
    if way == "parallel":
        # Both jobs end in the same moment: the result of the later end stays.
        until(lambda: page.text("#parallel-out") in {"1", "2"}, timeout=20)
    else:
        page.wait_for_text(f"#{way}-out", "1" if way == "ignore" else "2")
