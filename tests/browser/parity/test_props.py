"""Jobs set and return values, on a page in debug mode."""

from __future__ import annotations

import pytest
from dash.testing.browser import Browser

from tests.browser.pages import Page
from tests.conftest import AppProcess, StartApp
from tests.waiting import until


class PropsPage(Page):
    def __init__(self, browser: Browser, app: AppProcess) -> None:
        super().__init__(browser, app.url)
        self.app = app
        self.wait_for_text("#list-seen", "0")

    @property
    def chained(self) -> list[str]:
        log = self.app.folder / "chained.log"
        return log.read_text().splitlines() if log.exists() else []

    def assert_no_errors(self) -> None:
        self.browser.wait_for_element(".dash-debug-menu__outer")
        assert not self.browser.find_elements(".test-devtools-error-count")


@pytest.fixture
def page(start_app: StartApp, browser: Browser) -> PropsPage:
    return PropsPage(browser, start_app("tests/browser/parity/apps/props.py"))


def test_two_hundred_set_props_arrive_before_the_job_ends(page: PropsPage) -> None:
    page.click("#many")
    for number in range(10):
        page.wait_for_text(f"#p{number}", str(190 + number))
    page.wait_for_text("#list-seen", "in order")
    # set_props and progress trigger callbacks.
    page.wait_for_text("#p9-seen", "seen: 199")
    page.wait_for_text("#step-seen", "seen: step 199")
    cells = page.browser.find_elements("i")
    until(lambda: [c.get_attribute("title") for c in cells] == ["all cells"] * 3, 20)
    assert [cell.text for cell in cells] == ["", "one cell", ""]
    assert page.text("#many-status") == "running"
    assert page.text("#many-result") == ""

    (page.app.folder / "go").touch()
    page.wait_for_text("#many-result", "done")
    page.wait_for_text("#many-status", "idle")
    # The end of the job applies no update again.
    assert page.text("#list-seen") == "in order"
    page.wait_for_text("#step-seen", "seen: None")
    page.assert_no_errors()


def test_results_are_applied_as_those_of_an_ordinary_callback(page: PropsPage) -> None:
    page.click("#side")
    for name in ("plain", "first", "second"):
        page.wait_for_text(f"#side-{name}", f"{name} 1")

    for name, times in (("a", 1), ("plain", 1), ("b", 1), ("a", 2)):
        page.click(f"#dup-{name}")
        page.wait_for_text("#dup", f"{name} {times}")

    page.click("#fail")
    page.wait_for_text("#failed", "the app's")
    expected = "the app's: KeyError('missing') {'fail.n_clicks': 1}"
    assert page.text("#errors") == expected
    page.click("#fail-own")
    expected = "its own: ZeroDivisionError('division by zero') fail-own"
    page.wait_for_text("#failed-own", expected)

    page.click("#returns")
    page.wait_for_text("#falsy", "0")
    assert page.text("#kept") == "untouched"
    page.browser.wait_for_element("#graph .scatterlayer .point")

    page.click("#dynamic")
    page.browser.wait_for_element("#new").click()
    page.wait_for_text("#room-result", "typed 1")

    for _ in range(3):
        page.click("#log")
    page.wait_for_text("#lines", "1\n2\n3")
    # A callback that depends on two Outputs runs once.
    for number, button in enumerate(["#pair-plain", "#pair"], 1):
        page.click(button)
        until(lambda number=number: len(page.chained) == number, timeout=20)
        page.wait_for_text("#chained", page.chained[-1].partition(" by ")[0])
    assert page.chained == [
        f"one {name}, two {name} by one.children two.children"
        for name in ("plain 1", "long 1")
    ]
    page.assert_no_errors()
