"""Chromium, by its own WebDriver."""

from __future__ import annotations

import shutil

from selenium.webdriver import Chrome, ChromeOptions


class Chromium(Chrome):
    """A Chromium without a window, which sends no requests of its own."""

    ARGUMENTS: tuple[str, ...] = (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        # Without the pages of an address bar that no one sees: half of a start.
        "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",
        "--no-first-run",
        "--window-size=1280,900",
    )

    def __init__(self) -> None:
        options = ChromeOptions()
        for argument in self.ARGUMENTS:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "SEVERE"})
        super().__init__(options=options)

    @staticmethod
    def is_installed() -> bool:
        return all(map(shutil.which, ("chromium", "chromedriver")))

    def set_network(self, *, there: bool) -> None:
        """Cut the network, or restore it."""
        self.execute_cdp_cmd("Network.enable", {})
        self.execute_cdp_cmd(
            "Network.emulateNetworkConditions",
            {
                "offline": not there,
                "latency": 0,
                "downloadThroughput": -1,
                "uploadThroughput": -1,
            },
        )

    def reduce_motion(self) -> None:
        """Have the user ask for less motion."""
        self.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]},
        )
