"""Chromium: it times clicks by its own clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.drivers.chromium import Chromium

_CLICK = """
const [button, output, text, done] = arguments;
const target = document.getElementById(output);
performance.clearResourceTimings();
const start = performance.now();
new MutationObserver((_, observer) => {
    if (!target.textContent.includes(text)) return;
    observer.disconnect();
    const took = performance.now() - start;
    // Requests after the result count too.
    setTimeout(() => done([took, performance.getEntriesByType('resource').length]), 60);
}).observe(target, {childList: true, characterData: true, subtree: true});
document.getElementById(button).click();
"""


class Browser:
    """One tab."""

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver

    def open(self, url: str) -> None:
        self._driver.get(url)
        WebDriverWait(self._driver, 30).until(
            lambda driver: driver.find_elements("id", "run")
        )

    def wait_for_text(self, element: str) -> None:
        """Wait until an element has a text."""
        WebDriverWait(self._driver, 60).until(
            lambda driver: driver.find_element("id", element).text
        )

    def click(self, button: str, output: str, text: str = "") -> tuple[float, int]:
        """Return milliseconds from a click to its output's text, and the requests.

        Args:
            button: its id.
            output: its id.
            text: what the output must show; empty for any change.
        """
        answer: Any = self._driver.execute_async_script(_CLICK, button, output, text)
        return answer[0], answer[1]


@contextmanager
def browsing() -> Iterator[Browser]:
    """Run a Chromium."""
    driver = Chromium()
    driver.set_script_timeout(60)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
