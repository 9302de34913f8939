"""Chromium: it times clicks by its own clock."""

from __future__ import annotations

import json
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

#: Marks when an element has a text.
_WATCH = """
new MutationObserver((_, observer) => {
    const found = document.querySelector(%s);
    if (!found?.textContent.trim()) return;
    observer.disconnect();
    performance.mark('shown');
}).observe(document, {childList: true, characterData: true, subtree: true});
"""

_SHOWN = "return performance.getEntriesByName('shown')[0]?.startTime"


class Browser:
    """One tab."""

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver

    def open(self, url: str) -> None:
        self._driver.get(url)
        WebDriverWait(self._driver, 30).until(
            lambda driver: driver.find_elements("id", "run")
        )

    def watch(self, selector: str) -> None:
        """Have ``load`` time the first element with a text that matches."""
        source = _WATCH % json.dumps(selector)
        command = "Page.addScriptToEvaluateOnNewDocument"
        self._driver.execute_cdp_cmd(command, {"source": source})

    def load(self, url: str) -> float:
        """Return the milliseconds until a page shows what ``watch`` waits for."""
        self._driver.get(url)
        took: float = WebDriverWait(self._driver, 60).until(
            lambda driver: driver.execute_script(_SHOWN)
        )
        # No page does anything while another one is measured.
        self._driver.get("about:blank")
        return took

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
