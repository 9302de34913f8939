"""Page objects: what a reader of a page sees and does, without its selectors."""

from __future__ import annotations

from typing import Any

from dash.testing.browser import Browser
from dash.testing.wait import until

#: Notes down every state that an element goes through, also those that are too
#: short for a look from outside.
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

#: Clicks, and calls back with the milliseconds until the other element changed.
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

#: Clicks elements one after the other, so many milliseconds apart.
_CLICK_APART = """
const [selectors, apart, done] = arguments;
selectors.forEach((selector, i) => setTimeout(() => {
    document.querySelector(selector).click();
    if (i === selectors.length - 1) done();
}, i * apart));
"""


class Page:
    """Any page in the browser."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        browser.driver.set_script_timeout(30)
        browser.server_url = url

    def text(self, selector: str) -> str:
        text: str = self.browser.find_element(selector).text
        return text

    def wait_for_text(self, selector: str, text: str, timeout: float = 20) -> None:
        self.browser.wait_for_text_to_equal(selector, text, timeout=timeout)

    def is_enabled(self, selector: str) -> bool:
        enabled: bool = self.browser.find_element(selector).is_enabled()
        return enabled

    def wait_until_enabled(self, selector: str, timeout: float = 20) -> None:
        until(lambda: self.is_enabled(selector), timeout, poll=0.05)

    def wait_until_disabled(self, selector: str, timeout: float = 20) -> None:
        until(lambda: not self.is_enabled(selector), timeout, poll=0.05)

    def is_visible(self, selector: str) -> bool:
        visible: bool = self.browser.find_element(selector).is_displayed()
        return visible

    def click(self, selector: str) -> None:
        self.browser.find_element(selector).click()

    def click_apart(self, *selectors: str, milliseconds: float) -> None:
        """Click elements from within the page, so many milliseconds apart."""
        self.browser.driver.execute_async_script(
            _CLICK_APART, list(selectors), milliseconds
        )

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
        self.click(self.CANCEL)

    def wait_for_result(self, clicks: int | None) -> None:
        # textContent, for the paragraph of some examples is hidden meanwhile.
        until(
            lambda: self.result == f"Clicked {clicks} times",
            timeout=20,
            msg=f"no result for {clicks} clicks, but {self.result!r}",
        )

    @property
    def result(self) -> str:
        element = self.browser.find_element(self.TEXT)
        result: str = element.get_attribute("textContent")
        return result

    def wait_until_running(self) -> None:
        self.wait_until_disabled(self.RUN)

    def wait_until_done(self) -> None:
        self.wait_until_enabled(self.RUN)

    @property
    def bar_length(self) -> float:
        """How far the bar of the Plotly figure reaches, as drawn data."""
        length: float = self.browser.driver.execute_script(
            "return document.querySelector(arguments[0]).data[0].x[0]",
            f"{self.GRAPH} .js-plotly-plot",
        )
        return length
