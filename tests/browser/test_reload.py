"""What a page goes on with after a reload, and after a restart of the server."""

from __future__ import annotations

import pytest
from dash.testing.browser import Browser

from tests.browser.pages import Page
from tests.conftest import AppProcess, StartApp


class ReloadPage(Page):
    def __init__(self, browser: Browser, app: AppProcess) -> None:
        super().__init__(browser, app.url)
        self.app = app
        self.wait_for_text("#out", "at load")
        self.click("#run")
        self.wait_until_half()

    def reload(self) -> None:
        self.browser.driver.refresh()

    def wait_until_half(self) -> None:
        self.wait_for_text("#status", "running")
        self.wait_for_text("#step", "half")
        self.wait_for_text("#note", "noted")

    def let_go_on(self) -> None:
        (self.app.folder / "go-on").touch()

    def wait_until_done(self) -> None:
        self.wait_for_text("#out", "run 1")
        self.wait_for_text("#status", "idle")
        self.wait_for_text("#step", "")

    @property
    def started(self) -> list[str]:
        """The arguments of every job that was started."""
        return (self.app.folder / "started.log").read_text().split()


@pytest.fixture
def page(browser: Browser, start_app: StartApp) -> ReloadPage:
    return ReloadPage(browser, start_app("tests/browser/apps/reload.py"))


def test_reload_goes_on_with_the_job(page: ReloadPage) -> None:
    page.reload()
    page.wait_until_half()
    page.let_go_on()
    page.wait_until_done()
    # The callback that runs at page load did not start a job beside it.
    assert page.started == ["None", "1"]


def test_job_that_ended_meanwhile_shows_its_result_once(page: ReloadPage) -> None:
    page.browser.driver.get("about:blank")
    page.let_go_on()
    page.browser.driver.back()
    page.wait_until_done()
    assert page.started == ["None", "1"]
    # It has been shown: from now on a reload is an ordinary page load.
    page.reload()
    page.wait_for_text("#out", "at load")
    assert page.started == ["None", "1", "None"]


def test_restart_of_the_server_is_no_end_of_the_job(page: ReloadPage) -> None:
    page.app.terminate()
    page.app.start()
    page.wait_until_half()
    page.let_go_on()
    page.wait_until_done()
    assert page.started == ["None", "1"]
    # The browser notes down each poll that nobody answered.
    assert all("poll" in entry["message"] for entry in page.browser.get_logs())


def test_result_shown_after_a_reload_is_that_of_a_new_trigger(page: ReloadPage) -> None:
    page.reload()
    page.wait_until_half()
    page.click("#run")
    page.let_go_on()
    page.wait_for_text("#status", "idle")
    page.wait_for_text("#out", "run 1")
    assert page.started == ["None", "1", "1"]
