"""Callbacks of the same source don't mix, and their outputs are marked as loading."""

from __future__ import annotations

from dash.testing.browser import Browser

from tests.browser.pages import Page
from tests.conftest import StartApp

NAMES = ["north", "south", "west"]


def test_each_has_its_own_result_and_spins_until_it_is_there(
    browser: Browser, start_app: StartApp
) -> None:
    app = start_app("tests/browser/apps/callback_factory.py")
    page = Page(browser, app.url)
    page.wait_for_text("#north", "idle")
    assert not page.browser.find_elements("[id$=-spins]")
    page.click("#run")
    for name in NAMES:
        page.browser.wait_for_element(f"#{name}-spins")
    waiting = list(NAMES)
    for name in NAMES:
        (app.folder / f"{name}.go").touch()
        page.wait_for_text(f"#{name}", f"{name} 1")
        page.browser.wait_for_no_elements(f"#{name}-spins")
        waiting.remove(name)
        assert len(page.browser.find_elements("[id$=-spins]")) == len(waiting)
