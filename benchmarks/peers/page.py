"""A page of any framework in Chromium, found by the texts on it."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver.support.wait import WebDriverWait

from tests.browser.drivers.chromium import Chromium

#: Milliseconds between two looks at a page: what a time of it may be off by.
RESOLUTION = 4

_DEEP = """
const elements = (root) =>
    [...root.querySelectorAll("*")].flatMap((element) =>
        element.shadowRoot ? [element, ...elements(element.shadowRoot)] : [element]);
const hidden = new Set(["SCRIPT", "STYLE", "NOSCRIPT"]);
const texts = () =>
    elements(document.body)
        .filter((element) => !hidden.has(element.tagName) && !element.closest("button"))
        .flatMap((element) => [...element.childNodes])
        .filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())
        .map((node) => node.data.trim());
const button = (label) =>
    elements(document.body)
        .filter((element) => element.tagName === "BUTTON")
        .find((element) => element.textContent.trim() === label);
"""

_CLICK = (
    _DEEP
    + """
const [label, word, pause, done] = arguments;
const reports = () => texts().join(" ").match(new RegExp(word + ":\\\\S+:", "g")) ?? [];
const old = new Set(reports());
const start = performance.now();
const look = () => {
    const report = reports().find((report) => !old.has(report));
    if (report) done([performance.now() - start, report]);
    else setTimeout(look, pause);
};
button(label).click();
look();
"""
)


class Browser:
    """A tab that shows one page, or many of them in frames."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def open(self, url: str) -> None:
        self._driver.get(url)
        self._wait_for_button()

    def open_frames(self, url: str, count: int) -> None:
        """Show a page so many times, all of them visible."""
        frame = f'<iframe src="{url}" style="width: 150px; height: 100px"></iframe>'
        with tempfile.NamedTemporaryFile("w", suffix=".html", delete=False) as file:
            file.write(f"<!doctype html><title>Pages</title>{frame * count}")
        self._driver.get(f"file://{file.name}")
        for number in range(count):
            self.enter(number)
            self._wait_for_button()
        Path(file.name).unlink()

    def enter(self, number: int) -> None:
        """Turn to a frame."""
        self._driver.switch_to.default_content()
        self._driver.switch_to.frame(number)

    def reload(self) -> None:
        self._driver.refresh()
        self._wait_for_button()

    def press(self, label: str) -> None:
        """Click a button."""
        self._driver.execute_script(_DEEP + "button(arguments[0]).click();", label)

    def click(self, label: str, word: str) -> tuple[float, float]:
        """Click a button, and wait for the report of what it started.

        Returns:
            The milliseconds until then, and the figure in the report.
        """
        answer = self._driver.execute_async_script(_CLICK, label, word, RESOLUTION)
        return answer[0], float(answer[1].split(":")[2])

    def texts(self) -> list[str]:
        """Return all texts of the page."""
        found: list[str] = self._driver.execute_script(_DEEP + "return texts();")
        return found

    def has_report(self, word: str) -> bool:
        return bool(re.search(rf"{word}:\S+:", " ".join(self.texts())))

    def wait_for_report(self, word: str, seconds: float) -> bool:
        """Return whether a report comes within so many seconds."""
        end = time.monotonic() + seconds
        while not (there := self.has_report(word)) and time.monotonic() < end:
            time.sleep(0.1)
        return there

    def _wait_for_button(self) -> None:
        script = f'{_DEEP}return Boolean(button("Run"));'
        WebDriverWait(self._driver, 60).until(
            lambda driver: driver.execute_script(script)
        )


class _Offline(Chromium):
    """Loads nothing but the page: some frameworks ask others for fonts."""

    ARGUMENTS = (
        *Chromium.ARGUMENTS,
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--disable-background-timer-throttling",
        "--disable-renderer-backgrounding",
    )


@contextmanager
def browsing() -> Iterator[Browser]:
    """Run a Chromium."""
    driver = _Offline()
    driver.set_script_timeout(60)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
