"""Thirteen jobs run on one page; Dash has twelve places for callbacks in flight."""

from __future__ import annotations

import sys
from statistics import median

import pytest
from dash.testing.browser import Browser

from tests.browser.pages import Page
from tests.conftest import ROOT, StartApp
from tests.waiting import until

APPS = ROOT / "tests/browser/apps"

# These connections are kept alive: a job that inherits one would block it.
GUNICORN = [sys.executable, "-m", "gunicorn", "thirteen:server"]
GUNICORN += ["--workers=2", "--threads=4", "--bind=127.0.0.1:{port}"]
GUNICORN += [f"--pythonpath={APPS}"]


class ManyJobsPage(Page):
    def time_ordinary_callback(self) -> float:
        """Return the seconds that the ordinary callback typically takes to answer."""
        return median(self.time_click("#ordinary", "#answer") for _ in range(7))

    def wait_until_quick(self, bound: float) -> None:
        """Wait until it typically takes less than a bound, in seconds.

        Other load of the machine varies; the cost of the jobs stays.
        """
        until(
            lambda: self.time_ordinary_callback() < bound,
            timeout=20,
            poll=0,
            msg=f"never quicker than {bound} s",
        )

    @property
    def statuses(self) -> list[str]:
        return [status.text for status in self.browser.find_elements("[id^=status-]")]

    def wait_for_statuses(self, status: str) -> None:
        until(lambda: set(self.statuses) == {status}, timeout=20)


@pytest.mark.alone
@pytest.mark.parametrize(
    "server",
    [
        pytest.param(APPS / "thirteen.py", id="development server"),
        pytest.param(GUNICORN, id="gunicorn"),
    ],
)
def test_ordinary_callback_stays_quick_beside_thirteen_jobs(
    browser: Browser, start_app: StartApp, server: str | list[str]
) -> None:
    page = ManyJobsPage(browser, start_app(server).url)
    page.wait_for_statuses("idle")
    assert len(page.statuses) == 13
    page.time_ordinary_callback()

    idle = page.time_ordinary_callback()
    page.click("#start")
    page.wait_for_statuses("running")
    page.wait_until_quick(5 * idle + 0.1)
    assert set(page.statuses) == {"running"}
    page.click("#stop")
    page.wait_for_statuses("idle")


class HundredViewsPage(ManyJobsPage):
    @property
    def statuses(self) -> list[str]:
        statuses: list[str] = self.browser.driver.execute_script(
            "return [...document.querySelectorAll('.long-job-status')]"
            ".map(element => element.textContent)"
        )
        return statuses

    def wait_for_hundred(self, status: str) -> None:
        until(
            lambda: self.statuses == [status] * 100,
            timeout=60,
            msg=f"not all are {status}",
        )


@pytest.mark.alone
def test_page_of_a_hundred_views_of_running_jobs_stays_responsive(
    browser: Browser, start_app: StartApp
) -> None:
    page = HundredViewsPage(browser, start_app(APPS / "hundred.py").url)
    browser.wait_for_element("#ordinary")
    page.time_ordinary_callback()

    idle = page.time_ordinary_callback()
    page.click("#start")
    page.wait_for_hundred("Running")
    # At most twice as long, plus the cost of the hundred processes.
    page.wait_until_quick(2 * idle + 0.05)
    assert page.statuses == ["Running"] * 100
    page.click("#stop")
    page.wait_for_hundred("Cancelled")
