"""Steps, the tools of the log, and buttons that are busy by themselves."""

from __future__ import annotations

import pytest
from dash.testing.browser import Browser
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browser.long_job_pages import JobPart, Look
from tests.browser.pages import Page
from tests.conftest import AppProcess, StartApp
from tests.waiting import until, until_equal

#: Keeps what a page would save as a file.
KEEP_DOWNLOADS = """
window.saved = [];
const make = URL.createObjectURL;
URL.createObjectURL = blob => {
    blob.text().then(text => window.saved.push(text));
    return make(blob);
};
HTMLAnchorElement.prototype.click = function () { window.fileName = this.download; };
"""

#: The lines of the log that show, and whether one of them is wider than the log.
LINES = "return document.querySelector('#job pre').innerText.trim().split('\\n')"
IS_TOO_WIDE = """
const log = document.querySelector('#job pre');
return log.scrollWidth > log.clientWidth;
"""


class DetailsPage(Page):
    def __init__(self, browser: Browser, app: AppProcess) -> None:
        super().__init__(browser, app.url)
        self.app = app
        self.job = JobPart(self, "job")
        self.look = Look(browser)

    def let_go_on(self) -> None:
        (self.app.folder / "go-on").touch()

    def run_script(self, script: str) -> object:
        result: object = self.browser.driver.execute_script(script)
        return result

    @property
    def steps(self) -> list[tuple[str, str]]:
        """The names of the steps and their states."""
        texts: list[list[str]] = self.browser.driver.execute_script(
            "return [...document.querySelectorAll('#job li')].map(item =>"
            "[...item.children].slice(0, 2).map(each => each.textContent))"
        )
        return [(name, state) for name, state in texts]

    def wait_for_steps(self, *steps: tuple[str, str]) -> None:
        until_equal(lambda: self.steps, [*steps], timeout=20)

    def wait_until_busy(self, *buttons: str) -> None:
        until(lambda: all(map(self.is_busy, buttons)), timeout=20)

    @property
    def lines(self) -> list[str]:
        lines: list[str] = self.browser.driver.execute_script(LINES)
        return lines


@pytest.fixture
def page(browser: Browser, start_app: StartApp) -> DetailsPage:
    return DetailsPage(browser, start_app("tests/browser/apps/details.py"))


IN_FIT = (
    ("Read", "Done"),
    ("Fit", "Running"),
    ("Fold×2", "Done"),
    ("Plot", "To come"),
)


@pytest.mark.smoke
def test_steps_and_log_of_a_job(page: DetailsPage) -> None:
    page.click("#run")
    page.wait_until_busy("#run")
    page.wait_for_steps(*IN_FIT)
    page.job.wait_for("prices.csv")
    page.browser.driver.refresh()
    page.wait_for_steps(*IN_FIT)
    page.wait_until_busy("#run", "#stop")

    page.click("#job summary")
    until(lambda: page.lines[-1] == "a column is empty", timeout=5)
    assert page.lines[:2] == ["line 0", "line 1"]
    assert not page.run_script(IS_TOO_WIDE)
    page.look.check("steps-and-log")

    page.click("#job .long-job-log button[aria-pressed]")
    until(lambda: page.lines[0] != "line 0", timeout=5)
    # A time has digits, whatever the language of the browser.
    assert page.lines[0].endswith("line 0")
    assert page.lines[0][0].isdigit()

    search = page.browser.find_element("#job input[type=search]")
    # Enter in a field of the form clicks its button, which must not cancel the job.
    search.send_keys("EMPTY", Keys.ENTER)
    page.browser.find_element("#note").send_keys("x", Keys.ENTER)
    until(lambda: len(page.lines) == 1, timeout=5)
    assert "a column is empty" in page.lines[0]
    page.look.check("log-searched")

    page.run_script(KEEP_DOWNLOADS)
    page.click("#job .long-job-log button:last-child")
    until(lambda: page.run_script("return window.saved.length"), timeout=5)
    assert page.run_script("return window.fileName") == "prices.csv.log"
    saved = str(page.run_script("return window.saved[0]")).splitlines()
    # All lines, also those that the search leaves out.
    assert len(saved) == 22
    assert saved[0].endswith("INFO line 0")
    assert saved[-1].endswith("WARNING a column is empty")

    page.let_go_on()
    page.wait_for_text("#out", "done")
    page.wait_for_steps(
        *(("Read", "Done"), ("Fit", "Done"), ("Fold×2", "Done"), ("Plot", "Done"))
    )
    assert not page.is_busy("#run")
    assert not page.is_busy("#stop")


def test_button_is_busy_with_its_job_and_cancels_it(page: DetailsPage) -> None:
    button = page.element("#stop")
    ActionChains(page.browser.driver).double_click(button).perform()
    clicked = page.run_script("return performance.now()")
    page.wait_until_busy("#stop", "#run")
    page.wait_for_text("#stop", "Cancel")
    # The second click of the double click has not cancelled it.
    page.wait_for_steps(*IN_FIT)
    page.look.check("button-busy")
    # A click on the other button starts nothing, and takes no focus away.
    page.element("#run").send_keys(Keys.ENTER)
    until(
        lambda: page.run_script(f"return performance.now() - {clicked} > 500"),
        timeout=5,
    )
    button.send_keys(Keys.ENTER)
    page.job.wait_for_status("Cancelled")
    until_equal(lambda: page.text("#stop"), "Run", timeout=5)
    assert page.steps[1:] == [
        ("Fit", "Cancelled"),
        ("Fold×2", "Done"),
        ("Plot", "Skipped"),
    ]
    assert not page.is_busy("#run")
    page.wait_for_focus("stop")
    assert page.text("#out") == "-"
