"""A page shows the progress of a running job."""

from __future__ import annotations

import re
from pathlib import Path

from dash.testing.browser import Browser

from tests.browser.pages import Page
from tests.conftest import ROOT, StartApp
from tests.waiting import until

WORDS = "Clicked 1 times, told word by word"
TEXT, RUN, JOB = "#paragraph_id", "#button_id", "#job_id"


def test_loops_are_bars_below_each_other(browser: Browser, start_app: StartApp) -> None:
    page = Page(browser, start_app("examples/tqdm_loop.py").url)
    page.wait_for_text(TEXT, "Button not clicked")
    page.record(JOB, "element.innerText")
    page.click(RUN)
    page.wait_for_text(TEXT, "Clicked 1 times")
    bars = re.compile(r"Folders.*[0-3] of 3.*Files.*\d of 10", re.DOTALL)
    assert any(bars.search(state) for state in page.recorded(JOB))


def test_each_listener_gets_the_stream_once(
    browser: Browser, start_app: StartApp, tmp_path: Path
) -> None:
    example = tmp_path / "slow_streaming.py"
    text = (ROOT / "examples/streaming.py").read_text()
    example.write_text(text.replace("time.sleep(0.2)", "time.sleep(0.5)"))
    page = Page(browser, start_app(example).url)
    page.wait_for_text(TEXT, "Button not clicked")
    page.record(TEXT, "element.textContent.trim()")
    page.click(RUN)
    page.wait_for_text(TEXT, WORDS)
    steps = page.recorded(TEXT)
    assert steps[0] == "Button not clicked"
    assert len(steps) > 3
    assert all(WORDS.startswith(step) for step in steps[1:])
    # A second run starts with no text of the first, also on a page that is reloaded.
    page.click(RUN)
    words = WORDS.replace("1", "2")
    until(lambda: page.text(TEXT).startswith("Clicked 2"), 20, poll=0.02)
    browser.driver.refresh()
    page.wait_for_text(TEXT, words)
    assert browser.get_logs() == []
