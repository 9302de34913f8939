"""Guards of an app: the page tells their answers from its own, and loses no job."""

from __future__ import annotations

from collections.abc import Callable

import flask
import pytest
from dash.testing.browser import Browser

from tests.browser.guarded_site import LOGIN, Serve, Site, start
from tests.waiting import until

TIMEOUT = 20.0

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


@pytest.mark.parametrize("how", ["retry", "another tab"])
def test_page_that_gave_up_goes_on_after_the_login_without_a_reload(
    serve: Serve, dash_br: Browser, site: Site, how: str
) -> None:
    page = start(dash_br, serve(site.app))
    site.guard = ANSWERS["401"]
    page.wait_for_text("#job .long-job-status", "Stopped unexpectedly")
    site.guard = None
    if how == "retry":
        page.click("#job .long-job-actions button[aria-label^=Retry]")
    else:
        driver = dash_br.driver
        first = driver.current_window_handle
        driver.switch_to.new_window("tab")
        driver.close()
        driver.switch_to.window(first)
    page.wait_for_text("#job .long-job-status", "Running")
    site.let_end()
    page.wait_for_text("#out", "run 1")
    page.wait_for_text("#job .long-job-status", "Done")
    assert site.runs == 1


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
    assert "then retry, or load this page again." in error
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
