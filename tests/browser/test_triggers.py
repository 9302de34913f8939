"""What a page does when things happen in quick succession."""

from __future__ import annotations

import pytest
from dash.testing.browser import Browser

from tests.browser.pages import Page
from tests.conftest import AppProcess, StartApp


class TriggersPage(Page):
    def __init__(self, browser: Browser, app: AppProcess) -> None:
        super().__init__(browser, app.url)
        self.app = app
        self.wait_for_text("#run-status", "idle")

    @property
    def ended(self) -> list[str]:
        """What the jobs that came to their end noted down, in that order."""
        log = self.app.folder / "ended.log"
        return log.read_text().splitlines() if log.exists() else []

    def wait_until_running(self) -> None:
        self.wait_for_text("#run-status", "running")

    def wait_until_idle(self) -> None:
        self.wait_for_text("#run-status", "idle")


@pytest.fixture
def page(browser: Browser, start_app: StartApp) -> TriggersPage:
    return TriggersPage(browser, start_app("tests/browser/apps/triggers.py"))


def test_typing_quickly_settles_on_the_last_value(page: TriggersPage) -> None:
    page.record("#echo", "element.textContent")
    page.element("#word").send_keys("quickly")
    page.wait_for_text("#echo", "quickly")
    page.wait_for_text("#echo-status", "idle")
    shown = page.recorded("#echo")
    assert shown[-1] == "quickly"
    # What it showed on the way, if anything, were values on the way there.
    assert shown == sorted(set(shown), key=len)


def test_two_quick_clicks_count_both_and_leave_one_job(page: TriggersPage) -> None:
    page.record("#result", "element.textContent")
    page.click_in_flight("#run", "#run")
    page.wait_for_text("#result", "2 before")
    page.wait_until_idle()
    assert page.recorded("#result") == ["", "2 before"]
    assert page.ended == ["run 2"]


def test_editing_state_during_a_run_restarts_nothing(page: TriggersPage) -> None:
    page.record("#run-status", "element.textContent")
    page.click("#run")
    page.wait_until_running()
    page.element("#state").send_keys(" and after")
    page.wait_for_text("#result", "1 before")
    page.wait_until_idle()
    assert page.recorded("#run-status") == ["idle", "running", "idle"]
    assert page.ended == ["run 1"]


def test_cancel_that_overtakes_the_start_cancels_it(page: TriggersPage) -> None:
    page.record("#result", "element.textContent")
    page.click_in_flight("#run", "#cancel")
    page.wait_until_idle()
    page.click("#clock")
    page.wait_for_text("#time", "clock 1")
    assert page.recorded("#result") == [""]
    assert page.ended == ["clock"]
