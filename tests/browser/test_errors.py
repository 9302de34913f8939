"""A page shows why a job has no result."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from dash.testing.browser import Browser

from tests.browser.long_job_pages import JobPart
from tests.browser.pages import Page
from tests.conftest import ROOT, AppProcess, StartApp
from tests.waiting import until

APP = ROOT / "tests/browser/apps/errors.py"


class ErrorsPage(Page):
    def end(self, how: str) -> str:
        """End a job in this way, and return what the console then says."""
        self.record("#status", "element.textContent")
        self.click(f"#{how}")
        until(
            lambda: self.recorded("#status") == ["idle", "running", "idle"], timeout=20
        )
        assert self.text("#text") == "untouched"
        entries = until(self.browser.get_logs, timeout=5)
        assert len(entries) == 1
        message: str = entries[0]["message"]
        return message


@pytest.fixture
def app(start_app: StartApp) -> AppProcess:
    return start_app(APP)


@pytest.fixture
def page(browser: Browser, app: AppProcess) -> Iterator[ErrorsPage]:
    page = ErrorsPage(browser, app.url)
    page.wait_for_text("#status", "idle")
    yield page
    # One bad end doesn't spoil the next run.
    assert "the key that is missing" in page.end("raise")


def test_exception_is_named_in_console_and_server_log(
    page: ErrorsPage, app: AppProcess
) -> None:
    message = page.end("raise")
    assert "KeyError" in message
    assert "the key that is missing" in message
    assert "Traceback" not in message
    assert APP.name not in message
    assert "Traceback" in app.log
    assert "end_badly" in app.log


def test_page_says_which_attempt_is_next_and_a_cancel_ends_that(
    browser: Browser, app: AppProcess
) -> None:
    page = ErrorsPage(browser, app.url)
    page.wait_for_text("#status", "idle")
    page.click("#patient")
    job = JobPart(page, "patient-job")
    job.wait_for("2nd of 4 attempts")
    job.wait_for("next in ")
    job.press("Cancel")
    job.wait_for_status("Cancelled")


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("exit", "sys.exit(3)"),
        ("kill", "SIGKILL"),
        ("unserialisable", "not JSON serializable"),
    ],
)
def test_other_ends_say_why(page: ErrorsPage, how: str, reason: str) -> None:
    assert reason in page.end(how)


def test_debug_mode_shows_the_traceback_in_the_dev_tools(
    dash_br: Browser, start_app: StartApp
) -> None:
    app = start_app([sys.executable, str(APP), "--debug"])
    page = ErrorsPage(dash_br, app.url)
    page.wait_for_text("#status", "idle")
    page.click("#raise")
    dash_br.wait_for_contains_text(".test-devtools-error-toggle", "KeyError")
    dash_br.find_element(".test-devtools-error-toggle").click()
    dash_br.wait_for_contains_text(".dash-backend-error", "Traceback")
    dash_br.wait_for_contains_text(".dash-backend-error", APP.name)
