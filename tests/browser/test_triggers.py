"""Triggers in quick succession."""

from __future__ import annotations

import pytest
from dash.testing.browser import Browser

from tests.browser.pages import Page
from tests.conftest import AppProcess, StartApp
from tests.integration.servers import is_alive, until_gone
from tests.waiting import until_equal


class TriggersPage(Page):
    def __init__(self, browser: Browser, app: AppProcess) -> None:
        super().__init__(browser, app.url)
        self.app = app
        self.wait_for_text("#run-status", "idle")

    @property
    def ended(self) -> list[str]:
        """The notes of the jobs that ended, in that order."""
        return self._lines("ended.log")

    def wait_until_no_run_is_left(self) -> None:
        """Wait for the end of all runs that have begun, whichever."""
        pids = [int(line) for line in self._lines("pids.log")]
        until_gone(lambda: filter(is_alive, pids))

    def _lines(self, name: str) -> list[str]:
        log = self.app.folder / name
        return log.read_text().splitlines() if log.exists() else []

    def release(self, clicks: int) -> None:
        """Let a run go on."""
        (self.app.folder / f"go {clicks}").touch()

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
    # In between, it may have shown earlier values.
    assert shown == sorted(set(shown), key=len)


def test_two_quick_clicks_count_both_and_leave_one_job(page: TriggersPage) -> None:
    page.record("#result", "element.textContent")
    page.click_in_flight("#run", "#run")
    page.release(2)
    page.wait_for_text("#result", "2 before")
    page.wait_until_idle()
    # The first one runs until the test ends it.
    page.wait_until_no_run_is_left()
    assert page.recorded("#result") == ["", "2 before"]
    assert page.ended == ["run 2"]


def test_editing_state_during_a_run_restarts_nothing(page: TriggersPage) -> None:
    page.record("#run-status", "element.textContent")
    page.click("#run")
    page.wait_until_running()
    page.element("#state").send_keys(" and after")
    page.release(1)
    page.wait_for_text("#result", "1 before")
    page.wait_until_idle()
    assert page.recorded("#run-status") == ["idle", "running", "idle"]
    assert page.ended == ["run 1"]


def test_cancel_that_overtakes_the_start_cancels_it(page: TriggersPage) -> None:
    page.record("#result", "element.textContent")
    page.click_in_flight("#run", "#cancel")
    until_equal(lambda: page.requests("_dash-long-jobs/cancel"), 1, timeout=20)
    page.wait_until_idle()
    page.wait_until_no_run_is_left()
    assert page.recorded("#result") == [""]
    assert page.ended == []
