"""Jobs of a page that is left, in an app of ``dash.pages`` in debug mode."""

from __future__ import annotations

import sys

import pytest
from dash.testing.browser import Browser

from tests.browser.pages import Page
from tests.conftest import ROOT, AppProcess, StartApp
from tests.waiting import until

APP = ROOT / "tests/browser/parity/apps/pages"


class WorkPage(Page):
    def __init__(self, browser: Browser, app: AppProcess) -> None:
        super().__init__(browser, app.url)
        self.app = app
        self.wait_for_text("h1", "Work")
        self.wait_for_text("#status", "idle")

    def go(self, name: str) -> None:
        self.click(f"#to-{name.lower()}")
        self.wait_for_text("h1", name)

    def release(self, what: str) -> None:
        (self.app.folder / f"go {what}").touch()

    def bar(self) -> list[str | None]:
        bar = self.element("#bar")
        return [bar.get_attribute("value"), bar.get_attribute("max")]

    def wait_for_bar(self, value: str, most: str) -> None:
        # The DOM has numbers.
        expected = [float(value), float(most)]
        until(lambda: [float(each or 0) for each in self.bar()] == expected, 20)


@pytest.fixture
def page(start_app: StartApp, browser: Browser) -> WorkPage:
    return WorkPage(browser, start_app(APP / "web.py"))


def test_page_that_is_left_finds_its_jobs_again(page: WorkPage) -> None:
    page.click("#run")
    page.click("#second")
    page.wait_for_text("#status", "running")
    page.wait_for_text("#second-status", "running")
    page.wait_for_bar("3", "10")

    # It comes back while they run.
    page.go("Other")
    page.go("Work")
    page.wait_for_text("#status", "running")
    page.wait_for_text("#second-status", "running")
    page.wait_for_bar("3", "10")
    assert page.text("#result") == "not run"

    # One ends while the page is away.
    page.go("Other")
    page.release("run 1")
    until((page.app.folder / "ended run 1").exists, timeout=20)
    page.go("Work")
    page.wait_for_text("#result", "run 1")
    page.wait_for_text("#status", "idle")
    page.wait_for_bar("0", "9")
    page.wait_for_text("#second-status", "running")

    # A button of another page cancels them all. The page's own buttons are new.
    (page.app.folder / "go run 1").unlink()
    page.click("#run")
    page.wait_for_text("#status", "running")
    page.go("Other")
    page.click("#cancel")
    page.go("Work")
    page.wait_for_text("#status", "idle")
    page.wait_for_text("#second-status", "idle")
    page.wait_for_bar("0", "9")
    assert page.text("#second-result") == "not run"
    assert not page.browser.find_elements(".test-devtools-error-count")


def test_pages_are_found_by_processes_that_import_the_app(
    start_app: StartApp, browser: Browser
) -> None:
    """Also where the app's module sorts after those of its pages."""
    gunicorn = [sys.executable, "-m", "gunicorn", "web:server", "-w", "2"]
    where = ["--pythonpath", str(APP), "-b", "127.0.0.1:{port}"]
    page = WorkPage(browser, start_app([*gunicorn, *where]))
    page.click("#run")
    page.wait_for_text("#status", "running")
    page.release("run 1")
    page.wait_for_text("#result", "run 1")
    assert "Can't import" not in page.app.log
