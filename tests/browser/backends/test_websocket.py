"""Callbacks over a WebSocket: start, context, cancel, reload."""

from __future__ import annotations

import json
from pathlib import Path

from dash.testing.browser import Browser

from tests.browser import test_resume
from tests.browser.pages import Page
from tests.browser.test_resume import ResumePage
from tests.conftest import StartApp
from tests.waiting import until

page, site = test_resume.page, test_resume.site
test_reload = test_resume.test_reload_goes_on_with_the_job

APP = Path("tests/browser/apps/websocket.py")

ENVIRONMENT = ("WEBSOCKET=1",)


def test_callbacks_send_no_requests(page: ResumePage) -> None:
    assert page.requests("_dash-update-component") == 0
    page.site.let_end()
    page.wait_for_result()


def test_job_sees_the_request_that_made_the_connection(
    browser: Browser, start_app: StartApp
) -> None:
    url = start_app(APP).url
    # No page of Dash: the next one may get its shared worker, which ends with it.
    browser.driver.get(f"{url}/_dash-long-jobs/health")
    browser.driver.add_cookie({"name": "user", "value": "ada"})
    page = Page(browser, f"{url}?team=sales")
    page.click("#run")
    # The polls come over HTTP, and find a job of the same user.
    text = until(lambda: page.text("#context"), timeout=20)
    seen = json.loads(text)
    assert seen["cookies"]["user"] == "ada"
    assert "Chrome" in seen["agent"]
    assert "/_dash-ws-callback" in seen["path"]
    assert page.requests("_dash-update-component") == 0


def test_cancel_ends_the_job(browser: Browser, start_app: StartApp) -> None:
    page = Page(browser, start_app(APP).url)
    page.wait_for_text("#status", "idle")
    page.record("#status", "element.textContent")
    page.click("#hold")
    page.wait_for_text("#status", "running")
    page.click("#stop")
    page.wait_for_text("#status", "idle")
    assert page.text("#held") == ""
