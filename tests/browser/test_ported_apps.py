"""Apps as the public ones that use background callbacks, moved as the docs say.

Each has the structure of one of them, for the parts that use jobs.
"""

from __future__ import annotations

from dash.testing.browser import Browser

from tests.browser.pages import Page
from tests.conftest import StartApp

PORTED = "tests/browser/apps/ported"


def test_scenarios(start_app: StartApp, browser: Browser) -> None:
    page = Page(browser, start_app(f"{PORTED}/scenarios.py").url)
    page.click("#core-add")
    page.wait_for_text("#core-phase", "Simulating")
    assert not page.is_enabled("#core-reset")
    page.wait_for_text("#core-shown", "Scenario 1: 6")
    page.wait_for_text("#core-status", "Computed Scenario 1")
    page.wait_for_text("#core-phase", "Idle")
    page.click("#core-add")
    page.wait_until_enabled("#core-stop")
    page.click("#core-stop")
    page.wait_for_text("#core-detail", "Add a scenario.")
    assert page.text("#core-shown") == "Scenario 1: 6"
    page.click("#core-reset")
    page.wait_for_text("#core-status", "No scenarios")
    page.wait_for_text("#core-shown", "")


def test_explorer(start_app: StartApp, browser: Browser) -> None:
    app = start_app(f"{PORTED}/explorer.py")
    page = Page(browser, app.url)
    page.click("#compute")
    page.wait_for_text("#result", "Total slack: 30")
    page.wait_for_text("#state", "Ready")
    assert "by value" not in app.log


def test_planner(start_app: StartApp, browser: Browser) -> None:
    page = Page(browser, start_app(f"{PORTED}/planner.py").url)
    page.click("#make")
    page.wait_for_text("#report", "Not checked")
    page.click("#check")
    page.wait_for_text("#progress", "Checking the plan…")
    # Another plan cancels the check of the first one.
    page.click("#make")
    page.wait_for_text("#progress", "")
    page.click("#check")
    page.wait_for_text("#report", "Peak power: 4.8 kW")
