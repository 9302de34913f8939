"""Guards of an app: the page tells their answers from its own, and loses no job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import dash
import flask
import pytest
from dash import Input, Output, html
from dash.testing.browser import Browser

import dash_long_components as dlc
from dash_long_components import LongJob
from dash_long_components.testing import MemoryLongCallbackManager
from tests.browser.pages import Page
from tests.waiting import until

Serve = Callable[[dash.Dash], str]

TIMEOUT = 20.0

LOGIN = "<!doctype html><title>Log in</title><form></form>"

#: How a guard answers a poll when the user is logged out.
ANSWERS: dict[str, Callable[[], flask.typing.ResponseReturnValue]] = {
    "a login page": lambda: LOGIN,
    "a redirect": lambda: flask.redirect("/login"),
    # Of another origin: a browser shows none of its answers to the page.
    "a redirect to another site": lambda: flask.redirect("http://localhost:1/login"),
    "401": lambda: ("Log in first.", 401),
}

#: Lets the page believe that it has waited for longer than it does.
_SKIP = """
const now = performance.now.bind(performance);
performance.now = () => now() + 180000;
"""


class Site:
    """An app with a guard of its polls, which is asleep at first."""

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


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()


def start(browser: Browser, url: str) -> Page:
    """Open the page, and start a job."""
    page = Page(browser, url)
    page.click("#run")
    page.wait_for_text("#job .long-job-status", "Running")
    return page


@pytest.mark.parametrize("how", [name for name in ANSWERS if name != "401"])
def test_page_waits_for_a_login_in_another_tab(
    serve: Serve, dash_br: Browser, site: Site, how: str
) -> None:
    page = start(dash_br, serve(site.app))
    site.guard = ANSWERS[how]
    page.wait_for_text(
        "#job .long-job-facts > :last-child", "Connection lost, reconnecting…"
    )
    assert page.text("#job .long-job-status") == "Running"
    site.guard = None
    site.let_end()
    page.wait_for_text("#out", "run 1")
    page.wait_for_text("#job .long-job-status", "Done")


@pytest.mark.parametrize("how", list(ANSWERS))
def test_page_gives_up_says_why_and_goes_on_when_it_is_loaded_after_the_login(
    serve: Serve, dash_br: Browser, site: Site, how: str
) -> None:
    page = start(dash_br, serve(site.app))
    site.guard = ANSWERS[how]
    if how != "401":
        until(lambda: site.refused, TIMEOUT)
        dash_br.driver.execute_script(_SKIP)
    page.wait_for_text("#job .long-job-status", "Stopped unexpectedly")
    answer = {
        "a login page": "200: Log in",
        "401": "401: Log in first.",
    }.get(how, "a redirect, as to a login")
    error = page.text("#job .long-job-error")
    assert f"The server answered poll with {answer}" in error
    assert "load the page again, and log in if it asks for it." in error
    site.guard = None
    site.let_end()
    dash_br.driver.refresh()
    page.wait_for_text("#out", "run 1")
    page.wait_for_text("#job .long-job-status", "Done")


def test_rate_limit_slows_the_page_down_for_as_long_as_it_asks(
    serve: Serve, dash_br: Browser, site: Site
) -> None:
    page = start(dash_br, serve(site.app))
    site.guard = lambda: ("Too many requests", 429, {"Retry-After": "2"})
    until(lambda: site.refused, TIMEOUT)
    site.guard = None
    site.polls.clear()
    site.let_end()
    page.wait_for_text("#out", "run 1")
    assert site.polls[0] - site.refused[-1] >= 2


@pytest.fixture
def flask_wtf() -> Any:
    return pytest.importorskip("flask_wtf.csrf")


@pytest.mark.parametrize("carrier", ["cookie", "meta"])
def test_token_of_flask_wtf_goes_along(
    serve: Serve, browser: Browser, site: Site, flask_wtf: Any, carrier: str
) -> None:
    server: Any = site.app.server
    server.secret_key = "for the session"
    csrf = flask_wtf.CSRFProtect(server)

    def give_token(response: flask.Response) -> flask.Response:
        if carrier == "cookie":
            response.set_cookie("_csrf_token", flask_wtf.generate_csrf())
        return response

    server.after_request(give_token)
    if carrier == "meta":
        # Dash itself sends only the cookie's.
        csrf.exempt(server.view_functions["/_dash-update-component"])
        index: Any = site.app.index

        def with_token(*args: object, **kwargs: object) -> str:
            meta = f'<meta name="csrf-token" content="{flask_wtf.generate_csrf()}">'
            return str(index(*args, **kwargs)).replace("<head>", f"<head>{meta}")

        server.view_functions["/"] = with_token
    page = start(browser, serve(site.app))
    site.let_end()
    page.wait_for_text("#out", "run 1")


def test_poll_without_a_token_says_that_the_token_is_missing(
    serve: Serve, dash_br: Browser, site: Site, flask_wtf: Any
) -> None:
    server: Any = site.app.server
    server.secret_key = "for the session"
    csrf = flask_wtf.CSRFProtect(server)
    csrf.exempt(server.view_functions["/_dash-update-component"])
    page = Page(dash_br, serve(site.app))
    page.click("#run")
    page.wait_for_text("#job .long-job-status", "Stopped unexpectedly")
    assert "poll with 400: " in page.text("#job .long-job-error")
    assert "The CSRF token is missing." in page.text("#job .long-job-error")


def test_content_security_policy_needs_no_more_than_for_dash(
    serve: Serve, browser: Browser, site: Site
) -> None:
    hashes = " ".join(site.app.csp_hashes())
    policy = (
        f"default-src 'self'; script-src 'self' {hashes}; "
        # Dash's own style sheets.
        "style-src 'self' 'unsafe-inline'"
    )

    def restrict(response: flask.Response) -> flask.Response:
        response.headers["Content-Security-Policy"] = policy
        return response

    site.app.server.after_request(restrict)
    page = start(browser, serve(site.app))
    site.let_end()
    page.wait_for_text("#out", "run 1")
    page.wait_for_text("#job .long-job-status", "Done")
