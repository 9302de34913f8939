"""A click right after the start, while the dispatcher still imports the app."""

from __future__ import annotations

from dash.testing.browser import Browser

from tests.browser.pages import Page
from tests.conftest import StartApp


def test_page_says_starting_and_gets_the_result_of_the_one_click(
    start_app: StartApp, browser: Browser
) -> None:
    app = start_app("tests/browser/apps/slow_import.py")
    page = Page(browser, app.url)
    page.click("#run")
    page.wait_for_text("#job .long-job-status", "Starting…")
    assert page.text("#out") == "nothing"
    (app.folder / "go-on").touch()
    page.wait_for_text("#job .long-job-status", "Done")
    assert page.text("#out") == "run 1"
