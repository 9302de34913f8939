"""Pattern-matching ids on a page in debug mode: every row has jobs of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from dash.testing.browser import Browser

from tests.browser.pages import Page
from tests.conftest import AppProcess, StartApp
from tests.waiting import until, until_equal

#: The texts of the rows, one line for each.
_ROWS = """
return [...document.querySelectorAll('.row')].map(
    row => row.querySelector(arguments[0]).textContent);
"""


class RowsPage(Page):
    def __init__(self, browser: Browser, app: AppProcess) -> None:
        super().__init__(browser, app.url)
        self.folder = app.folder
        # Long callbacks run at page load too.
        self.wait_for_text("#sum", "[None, None, None] by None")

    def rows(self, kind: str) -> list[str]:
        texts: list[str] = self.browser.driver.execute_script(_ROWS, f".{kind}")
        return texts

    def wait_for_rows(self, kind: str, *texts: str) -> None:
        until_equal(lambda: self.rows(kind), list(texts), timeout=20)

    def click_row(self, index: int, kind: str) -> None:
        self.click(f".row:nth-child({index + 1}) .{kind}")

    def wait_for_start(self, what: str, times: int = 1) -> None:
        until(lambda: self.started.count(what) == times, timeout=20, poll=0.02)

    def release(self, what: str) -> None:
        (self.folder / f"go {what}").touch()

    @property
    def started(self) -> list[str]:
        return read_lines(self.folder / "started.log")

    @property
    def ended(self) -> list[str]:
        return read_lines(self.folder / "ended.log")

    def has_no_errors(self) -> bool:
        """Return whether the dev tools have nothing to say; they are there."""
        self.browser.wait_for_element(".dash-debug-menu__outer")
        return not self.browser.find_elements(".test-devtools-error-count")


def read_lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def page(start_app: StartApp, browser: Browser) -> RowsPage:
    return RowsPage(browser, start_app("tests/browser/parity/apps/rows.py"))


def test_rows_run_and_cancel_jobs_of_their_own(page: RowsPage) -> None:
    page.click_row(0, "run")
    page.click_row(2, "run")
    page.wait_for_rows("status", "running", "", "running")
    page.wait_for_rows("progress", "0 began", "", "2 began")
    page.wait_for_rows("lower", "above runs", "above runs", "")
    page.wait_for_rows("note", "2 above 0", "2 above 1", "")
    page.wait_for_start("row 2")

    # A second run of row 2 replaces its first run, and no other.
    page.click_row(2, "run")
    page.wait_for_start("row 2", times=2)
    assert page.rows("status") == ["running", "", "running"]
    page.click_row(2, "cancel")
    page.wait_for_rows("status", "running", "", "idle")
    page.wait_for_rows("lower", "quiet", "quiet", "")
    page.wait_for_rows("note", "-", "-", "")
    page.wait_for_rows("progress", "0 began", "", "-")

    # ALLSMALLER: the button of a row stops the rows above it, but not its own.
    page.click_row(1, "run")
    page.click_row(2, "run")
    page.wait_for_rows("status", "running", "running", "running")
    page.click_row(1, "stop")
    page.wait_for_rows("status", "running", "running", "idle")

    page.release("row 0")
    page.release("row 1")
    page.wait_for_rows("result", "0 clicked 1 above 0", "1 clicked 1 above 1", "")
    page.wait_for_rows("status", "idle", "idle", "idle")
    assert sorted(page.ended) == ["row 0", "row 1"]
    # Callbacks of ALL and ALLSMALLER run as after an ordinary callback.
    for kind in ("below", "below-plain"):
        page.wait_for_rows(kind, "1 above []", "1 above [1]", "3 above [1, 1]")
    for kind in ("sum", "sum-plain"):
        until(lambda kind=kind: page.text(f"#{kind}").startswith("[1, 1, 3]"), 20)
    assert page.has_no_errors()


def test_added_row_neither_cancels_nor_starts_a_job(page: RowsPage) -> None:
    page.click_row(1, "run")
    page.click("#all")
    page.wait_for_rows("seen-status", "on", "on", "on")
    page.wait_for_rows("seen-note", "note 0", "note 1", "note 2")
    page.wait_for_start("row 1")
    page.wait_for_start("all 1")

    page.click("#add")
    # It shows the progress of the running jobs.
    page.wait_for_rows("seen-status", *["on"] * 4)
    for kind in ("below", "below-plain"):
        above = ["None above []", "1 above [None]", "None above [None, 1]"]
        page.wait_for_rows(kind, *above, "None above [None, 1, None]")
    assert page.rows("status") == ["", "running", "", ""]
    page.release("row 1")
    page.release("all 1")
    page.wait_for_text("#all-result", "[None, 1, None]")
    page.wait_for_rows("result", "", "1 clicked 1 above 1", "", "")
    page.wait_for_rows("seen", "0: None", "1: 1", "2: None", "")
    page.wait_for_rows("seen-status", *["off"] * 4)

    # Its own job and its own buttons work, for patterns too.
    page.click_row(3, "run")
    page.click("#all")
    page.wait_for_start("row 3")
    page.wait_for_start("all 2")
    page.wait_for_rows("seen-note", *[f"note {index}" for index in range(4)])
    page.wait_for_rows("status", "", "idle", "", "running")
    page.click_row(3, "cancel")
    page.wait_for_rows("status", "", "idle", "", "idle")
    page.wait_for_rows("seen-status", *["off"] * 4)
    page.wait_for_rows("seen-note", *[""] * 4)
    assert sorted(page.started) == ["all 1", "all 2", "row 1", "row 3"]
    assert sorted(page.ended) == ["all 1", "row 1"]

    # Components that only the validation layout knew may come late.
    page.click("#show")
    page.wait_for_text("#late", "LateLate cancel")
    page.click("#late-run")
    page.wait_for_text("#late-status", "running")
    page.release("late 1")
    page.wait_for_text("#late-result", "late 1")
    page.click("#late-run")
    page.wait_for_text("#late-status", "running")
    page.click("#late-cancel")
    page.wait_for_text("#late-status", "idle")
    assert page.text("#late-result") == "late 1"
    assert page.has_no_errors()


@pytest.mark.xfail(
    strict=True, reason="the engine takes a component of the same id for the same"
)
def test_component_that_is_replaced_shows_what_runs(page: RowsPage) -> None:
    page.click("#show")
    page.wait_for_text("#late", "LateLate cancel")
    page.click("#late-run")
    page.wait_for_text("#late-status", "running")
    page.wait_for_start("late 1")
    page.record("#late", "element.querySelector('#late-status')?.textContent")
    page.click("#show")
    until(lambda: len(page.recorded("#late")) > 1, timeout=20)
    page.wait_for_text("#late-status", "running", timeout=3)
