"""What a running job says is on the page while it runs."""

from __future__ import annotations

from dash.testing.browser import Browser
from dash.testing.wait import until

from tests.browser.pages import Page
from tests.conftest import StartApp

WORDS = "Clicked 1 times, told word by word"
TEXT, RUN, JOB = "#paragraph_id", "#button_id", "#job_id"


def test_loops_are_bars_below_each_other(browser: Browser, start_app: StartApp) -> None:
    page = Page(browser, start_app("examples/tqdm_loop.py").url)
    page.wait_for_text(TEXT, "Button not clicked")
    page.click(RUN)
    for text in ("Folders", "1 of 3", "Files", "of 10"):
        browser.wait_for_contains_text(JOB, text, timeout=20)
    page.wait_for_text(TEXT, "Clicked 1 times")


def test_stream_is_told_once_whoever_listens(
    browser: Browser, start_app: StartApp
) -> None:
    page = Page(browser, start_app("examples/streaming.py").url)
    page.wait_for_text(TEXT, "Button not clicked")
    page.record(TEXT, "element.textContent.trim()")
    page.click(RUN)
    page.wait_for_text(TEXT, WORDS)
    steps = page.recorded(TEXT)
    assert steps[0] == "Button not clicked"
    assert len(steps) > 3
    assert all(WORDS.startswith(step) for step in steps[1:])
    # Another run does not go on behind the first one, nor a page that comes late.
    page.click(RUN)
    words = WORDS.replace("1", "2")
    until(lambda: page.text(TEXT).startswith("Clicked 2"), 20, poll=0.02)
    assert page.text(TEXT) != words
    browser.driver.refresh()
    page.wait_for_text(TEXT, words)
    assert browser.get_logs() == []
