"""Page objects of the components, and how what they look like is checked."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from dash.testing.browser import Browser
from selenium.webdriver.remote.webelement import WebElement

from tests.browser.pages import Page
from tests.conftest import ROOT
from tests.waiting import until

#: Screenshots of the tests, for people.
SCREENSHOTS = Path(os.environ.get("SCREENSHOTS", ROOT / "build" / "screenshots"))

#: Files of npm's packages, which the tree of the wheel's tests does not have.
MODULES = Path(os.environ.get("NODE_MODULES", ROOT / "node_modules"))
AXE = MODULES / "axe-core/axe.min.js"
BOOTSTRAP = MODULES / "bootstrap/dist/css/bootstrap.min.css"

#: In the way of Bootstrap and of Mantine; a page without them gets these colours.
_SET_THEME = """
const [theme, text, background] = arguments;
const root = document.documentElement;
root.style.colorScheme = theme;
root.dataset.bsTheme = theme;
root.dataset.mantineColorScheme = theme;
const style = getComputedStyle(root);
const isPlain = !['--bs-body-bg', '--mantine-color-body'].some(
    name => style.getPropertyValue(name)
);
document.body.style.color = isPlain ? text : '';
document.body.style.background = isPlain ? background : '';
"""

_RUN_AXE = """
const done = arguments[arguments.length - 1];
const parts = document.querySelectorAll(
    '.long-job, .long-job-tray, .long-job-button, .long-job-admin'
);
// Controls of Dash itself, in which axe finds faults.
const exclude = [
    ['.dash-options-list'], ['.dash-dropdown-wrapper'],
    ['.long-job-admin-statuses'], ['.long-job-admin-task'],
];
axe.run({include: [...parts], exclude}, {resultTypes: ['violations']}).then(
    ({violations}) => done(violations.flatMap(({id, help, nodes}) =>
        nodes.map(({html, failureSummary}) => [id, help, html, failureSummary]))),
    error => done([String(error)]),
);
"""


class JobPart:
    """A ``LongJob`` on a page."""

    def __init__(self, page: Page, component_id: str) -> None:
        self._page = page
        self._selector = f"#{component_id}"

    @property
    def text(self) -> str:
        return self._page.text(self._selector)

    @property
    def status(self) -> str:
        return self._page.text(f"{self._selector} .long-job-status")

    def wait_for_status(self, status: str) -> None:
        self._page.wait_for_text(f"{self._selector} .long-job-status", status)

    def wait_for(self, text: str) -> None:
        until(lambda: text in self.text, timeout=20, msg=f"no {text!r}")

    def press(self, label: str) -> None:
        self._page.click(f"{self._selector} button[aria-label^='{label}']")

    def button(self, label: str) -> WebElement:
        element: WebElement = self._page.browser.find_element(
            f"{self._selector} button[aria-label^='{label}']"
        )
        return element

    def offers(self, label: str) -> bool:
        button = f"{self._selector} button[aria-label^='{label}']"
        return bool(self._page.browser.find_elements(button))

    @property
    def bar(self) -> str | None:
        """The bar's text for screen readers."""
        text: str | None = self._page.browser.find_element(
            f"{self._selector} [role=progressbar]"
        ).get_attribute("aria-valuetext")
        return text

    def wait_for_focus(self) -> None:
        self._page.wait_for_focus(self._selector[1:])


class TrayPart:
    """A ``LongJobTray`` on a page."""

    def __init__(self, page: Page, component_id: str = "tray") -> None:
        self._page = page
        self._selector = f"#{component_id}"

    def toggle(self) -> None:
        self._page.click(f"{self._selector} > summary")

    @property
    def items(self) -> list[str]:
        # All at once: an item may go while the test looks at the next one.
        texts: list[str] = self._page.browser.driver.execute_script(
            "return [...document.querySelectorAll(arguments[0])]"
            ".map(element => element.innerText)",
            f"{self._selector} li",
        )
        return [" ".join(text.split()) for text in texts]

    def wait_for(self, *items: str) -> None:
        """Wait until the items start with these texts."""
        until(
            lambda: (
                len(self.items) == len(items)
                and all(map(str.startswith, self.items, items))
            ),
            timeout=20,
            msg=f"not {items}",
        )

    def press(self, label: str) -> None:
        self._page.click(f"{self._selector} button[aria-label^='{label}']")

    def open_job(self, name: str) -> None:
        """Wait for an item that starts with this name, and go to its job's page."""
        until(lambda: any(item.startswith(name) for item in self.items), timeout=20)
        place = next(n for n, item in enumerate(self.items) if item.startswith(name))
        self._page.click(f"{self._selector} li:nth-of-type({place + 1}) button")


class Look:
    """Takes pictures of a page, in light and in dark, and has axe look at it."""

    def __init__(self, browser: Browser) -> None:
        self._driver: Any = browser.driver

    def check(self, name: str) -> None:
        """Keep pictures under this name; fail if axe finds something."""
        for theme, text, page in (
            ("light", "#1c2530", "#ffffff"),
            ("dark", "#e4e9ee", "#12161b"),
        ):
            self._driver.execute_script(_SET_THEME, theme, text, page)
            self.keep(f"{name}-{theme}")
            found = self._violations()
            assert not found, (theme, found)

    def resize(self, width: int) -> None:
        """Give the page a width in pixels, also one that no window may have."""
        self._driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
        )

    def keep(self, name: str) -> None:
        """Keep a picture of the page: of all of it, where the browser has a way."""
        folder = SCREENSHOTS / type(self._driver).__name__.lower()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        if not hasattr(self._driver, "execute_cdp_cmd"):
            self._driver.save_screenshot(str(path))
            return
        options = {"captureBeyondViewport": True}
        picture = self._driver.execute_cdp_cmd("Page.captureScreenshot", options)
        path.write_bytes(base64.b64decode(picture["data"]))

    def _violations(self) -> list[Any]:
        if not AXE.exists():
            if os.environ.get("CI"):
                pytest.fail(f"axe-core is not there: {AXE}")
            pytest.skip(f"axe-core is not there: {AXE}")
        if not self._driver.execute_script("return 'axe' in window"):
            self._driver.execute_script(AXE.read_text(encoding="utf-8"))
        violations: list[Any] = self._driver.execute_async_script(_RUN_AXE)
        return violations
