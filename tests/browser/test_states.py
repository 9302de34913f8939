"""Every state of a job, looked at: pictures for people, and axe on each of them."""

from __future__ import annotations

from collections.abc import Callable

import dash
import pytest
from dash.testing.browser import Browser

from tests.browser.apps import states
from tests.browser.long_job_pages import BOOTSTRAP, Look, TrayPart
from tests.browser.pages import Page
from tests.waiting import until, until_equal

#: The words of the states of the page, in both columns.
WORDS = {
    *("Starting…", "Queued", "Running", "Done", "Failed", "Stopped unexpectedly"),
    *("Timed out", "Cancelled", "Not accepted", "Waits for an answer"),
}

#: Each view beside its short form, or above it on a phone.
COLUMNS = """
    body { font: 16px/1.5 system-ui, sans-serif; margin: 0 }
    h2 { font-size: 13px; margin: 16px 0 0; flex-basis: 100%; opacity: 0.8 }
    #states { padding: 0 12px 12px }
    #states section { display: flex; flex-wrap: wrap; align-items: start; gap: 12px }
    #states section > div { flex: 1 1 320px; min-width: 0 }
    header { padding: 12px }
    html { scrollbar-width: none }
"""


class StatesPage(Page):
    def __init__(self, browser: Browser, url: str) -> None:
        super().__init__(browser, url)
        self.tray = TrayPart(self)

    def add_style(self, css: str) -> None:
        self.browser.driver.execute_script(
            "document.head.append(Object.assign(document.createElement('style'), "
            "{textContent: arguments[0]}))",
            css,
        )

    @property
    def words(self) -> list[str]:
        """The states that views show."""
        elements = self.browser.find_elements("#states .long-job-status")
        return [element.text for element in elements]

    @property
    def widest(self) -> int:
        """Pixels of the page, with what is reached by scrolling only."""
        width: int = self.browser.driver.execute_script(
            "return document.documentElement.scrollWidth"
        )
        return width

    @property
    def overflowing(self) -> list[str]:
        """The views that have more in them than their width shows."""
        texts: list[str] = self.browser.driver.execute_script(
            "return [...document.querySelectorAll('#states .long-job')]"
            ".filter(each => each.scrollWidth > each.clientWidth)"
            ".map(each => each.innerText)"
        )
        return texts

    def go_offline(self) -> None:
        self.browser.driver.set_network_conditions(
            offline=True, latency=0, throughput=0
        )
        until(lambda: "Offline" in self.text("#states"), timeout=20)


@pytest.mark.parametrize("host", states.HOSTS)
def test_every_state_looks_right(
    host: str, serve: Callable[[dash.Dash], str], dash_br: Browser
) -> None:
    page = StatesPage(dash_br, serve(states.make(host)))
    look = Look(dash_br)
    if host == "dbc":
        page.add_style(BOOTSTRAP.read_text(encoding="utf-8"))
    page.add_style(COLUMNS)
    # All but the idle ones show a state.
    until_equal(lambda: len(page.words), 2 * len(states.STATES) - 2, timeout=10)
    assert set(page.words) == WORDS
    for width in (1280, 390):
        look.resize(width)
        look.check(f"states-{host}-{width}")
        assert page.widest == width
        assert page.overflowing == []
    page.tray.toggle()
    look.check(f"states-{host}-tray")
    page.tray.toggle()
    for width in (1280, 390):
        look.resize(width)
        page.go_offline()
        look.check(f"states-{host}-{width}-offline")
