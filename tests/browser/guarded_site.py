"""An app with a guard in front of the polls for its jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import dash
import flask
from dash import Input, Output, html
from dash.testing.browser import Browser

import dash_long_components as dlc
from dash_long_components import LongJob
from dash_long_components.testing import MemoryLongCallbackManager
from tests.browser.pages import Page

Serve = Callable[[dash.Dash], str]

LOGIN = "<!doctype html><title>Log in</title><form></form>"


class Site:
    """An app with a guard of its polls, which is asleep at first.

    Attributes:
        guard: answers polls in the app's place, if there is one.
        refused, polls: when polls came that the guard or the app answered.
        runs: how often the job was started.
    """

    def __init__(self) -> None:
        self.manager = MemoryLongCallbackManager()
        self.app = dlc.Dash(__name__, long_callback_manager=self.manager)
        self.app.layout = html.Div(
            [
                html.Button("Run", id="run"),
                html.P("nothing", id="out"),
                LongJob(id="job"),
            ]
        )
        self.guard: Callable[[], flask.typing.ResponseReturnValue] | None = None
        self.refused: list[float] = []
        self.polls: list[float] = []
        self.runs = 0
        self._go_on = threading.Event()
        self.app.server.before_request(self._look)
        self.app.server.add_url_rule("/login", view_func=lambda: LOGIN)
        self.app.long_callback(
            Output("out", "children"),
            Input("run", "n_clicks"),
            job="job",
            prevent_initial_call=True,
        )(self._run)

    def _run(self, n_clicks: int) -> str:
        self.runs += 1
        assert self._go_on.wait(60)
        return f"run {n_clicks}"

    def _look(self) -> flask.typing.ResponseReturnValue | None:
        if not flask.request.path.endswith("_dash-long-jobs/poll"):
            return None
        if self.guard is None:
            self.polls.append(time.monotonic())
            return None
        self.refused.append(time.monotonic())
        return self.guard()

    def let_end(self) -> None:
        self._go_on.set()

    def close(self) -> None:
        self.let_end()
        self.manager.close()


def start(browser: Browser, url: str) -> Page:
    """Open the page, and start a job."""
    page = Page(browser, url)
    page.click("#run")
    page.wait_for_text("#job .long-job-status", "Running")
    return page
