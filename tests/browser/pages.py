"""Page objects: what a reader of a page sees and does, without its selectors."""

from __future__ import annotations

from typing import Any

from dash.testing.browser import Browser
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webelement import WebElement

from tests.waiting import until_equal

#: Records every state of an element, also states that are too short for the test to
#: see.
_RECORD = """
const [selector, read] = arguments;
const element = document.querySelector(selector);
const look = () => new Function('element', 'return ' + read)(element);
const seen = window.__seen = window.__seen || {};
seen[selector] = [look()];
new MutationObserver(() => {
    const state = look();
    if (state !== seen[selector].at(-1)) seen[selector].push(state);
}).observe(element, {
    attributes: true, childList: true, characterData: true, subtree: true,
});
"""

#: Clicks, and reports the milliseconds until another element has changed.
_TIME_CLICK = """
const [button, answer, done] = arguments;
const start = performance.now();
const observer = new MutationObserver(() => {
    observer.disconnect();
    done(performance.now() - start);
});
observer.observe(document.querySelector(answer), {
    childList: true, characterData: true, subtree: true,
});
document.querySelector(button).click();
"""

#: Clicks, and clicks again before the answer to the first click.
_CLICK_IN_FLIGHT = """
const [first, second, done] = arguments;
const click = selector => document.querySelector(selector).click();
const send = window.fetch;
window.fetch = (...request) => {
    if (request[0].includes('_dash-update-component')) {
        window.fetch = send;
        setTimeout(() => { click(second); done(); });
    }
    return send(...request);
};
click(first);
"""

#: Clicks, and clicks another element as soon as that is enabled.
_CLICK_WHEN_ENABLED = """
const [first, second, done] = arguments;
const button = document.querySelector(second);
const look = () => {
    if (button.disabled) return;
    observer.disconnect();
    button.click();
    done();
};
const observer = new MutationObserver(look);
observer.observe(button, { attributes: true });
document.querySelector(first).click();
"""


class Page:
    """Any page in the browser."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        browser.driver.set_script_timeout(30)
        browser.server_url = url

    def element(self, selector: str) -> WebElement:
        """Return an element, once it is there."""
        element: WebElement = self.browser.wait_for_element(selector)
        return element

    def text(self, selector: str) -> str:
        return self.element(selector).text

    def wait_for_text(self, selector: str, text: str, timeout: float = 20) -> None:
        def read() -> str | None:
            try:
                element: WebElement = self.browser.find_element(selector)
                return element.text
            except WebDriverException:  # not yet there, or another one now
                return None

        until_equal(read, text, timeout)

    def wait_for_focus(self, element_id: str) -> None:
        script = "return document.activeElement.id"
        driver = self.browser.driver
        until_equal(lambda: driver.execute_script(script), element_id, timeout=5)

    def wait_for_live(self, number: int) -> None:
        """Wait until the page follows as many jobs: a reload goes on with them."""
        script = "return JSON.parse(sessionStorage['/_dash-long-jobs'] ?? '[]').length"
        driver = self.browser.driver
        until_equal(lambda: driver.execute_script(script), number, timeout=20)

    def is_enabled(self, selector: str) -> bool:
        return self.element(selector).is_enabled()

    def is_busy(self, selector: str) -> bool:
        return self.element(selector).get_attribute("aria-busy") == "true"

    def wait_until_enabled(self, selector: str, timeout: float = 20) -> None:
        until_equal(lambda: self.is_enabled(selector), True, timeout)

    def wait_until_disabled(self, selector: str, timeout: float = 20) -> None:
        until_equal(lambda: self.is_enabled(selector), False, timeout)

    def is_visible(self, selector: str) -> bool:
        return self.element(selector).is_displayed()

    def click(self, selector: str) -> None:
        self.element(selector).click()

    def click_in_flight(self, first: str, second: str) -> None:
        """Click, and click again before the answer to the first click.

        It comes as soon as may be: of two triggers of a callback that come sooner,
        Dash sends one.
        """
        self.browser.driver.execute_async_script(_CLICK_IN_FLIGHT, first, second)

    def click_when_enabled(self, first: str, second: str) -> None:
        """Click, and on ``second`` at the moment when it gets enabled."""
        self.browser.driver.execute_async_script(_CLICK_WHEN_ENABLED, first, second)

    def time_click(self, button: str, answer: str) -> float:
        """Click, and return the seconds until the text of ``answer`` changed."""
        milliseconds: float = self.browser.driver.execute_async_script(
            _TIME_CLICK, button, answer
        )
        return milliseconds / 1000

    def requests(self, endpoint: str = "_dash-") -> int:
        """Return how many requests the page has sent whose address has this in it."""
        sent: int = self.browser.driver.execute_script(
            "return performance.getEntriesByType('resource')"
            ".filter(({ initiatorType, name }) => initiatorType === 'fetch'"
            " && name.includes(arguments[0])).length",
            endpoint,
        )
        return sent

    def record(self, selector: str, read: str) -> None:
        """Note down what ``read``, JavaScript on ``element``, gives from now on."""
        self.browser.driver.execute_script(_RECORD, selector, read)

    def recorded(self, selector: str) -> list[Any]:
        seen: list[Any] = self.browser.driver.execute_script(
            "return window.__seen[arguments[0]]", selector
        )
        return seen


class ExamplePage(Page):
    """The documented examples: a text, a button, and what some of them add."""

    TEXT = "#paragraph_id"
    RUN = "#button_id"
    CANCEL = "#cancel_button_id"
    BAR = "#progress_bar"
    GRAPH = "#progress_bar_graph"

    def __init__(self, browser: Browser, url: str) -> None:
        super().__init__(browser, url)
        # The documented callbacks run at page load too.
        self.wait_for_result(None)

    def run(self) -> None:
        self.click(self.RUN)

    def cancel(self) -> None:
        # A job may run before the page has enabled the button that ends it.
        self.wait_until_enabled(self.CANCEL)
        self.click(self.CANCEL)

    def wait_for_result(self, clicks: int | None) -> None:
        # textContent, since some examples hide the paragraph meanwhile.
        until_equal(lambda: self.result, f"Clicked {clicks} times", timeout=20)

    @property
    def result(self) -> str:
        result: str = self.element(self.TEXT).get_attribute("textContent")
        return result

    def wait_until_running(self) -> None:
        self.wait_until_disabled(self.RUN)

    def wait_until_done(self) -> None:
        self.wait_until_enabled(self.RUN)

    @property
    def bar_length(self) -> float:
        """The value of the bar in the Plotly figure, as drawn."""
        length: float = self.browser.driver.execute_script(
            "return document.querySelector(arguments[0]).data[0].x[0]",
            f"{self.GRAPH} .js-plotly-plot",
        )
        return length
