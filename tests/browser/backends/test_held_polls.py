"""A page on an asynchronous server waits with one request until there is news."""

from __future__ import annotations

import time

from tests.browser import test_resume
from tests.browser.test_resume import ResumePage
from tests.waiting import until, until_equal

page, site = test_resume.page, test_resume.site

POLL = "_dash-long-jobs/poll"

#: Seconds in which a page without held polls sends three.
QUIET = 3.5

#: How many tabs of the browser hold a poll, as they note it down for each other.
_HOLDING = """
const noted = localStorage.getItem('_dash-long-jobs-held') ?? '{}';
return Object.keys(JSON.parse(noted)).length;
"""


def holding(page: ResumePage) -> int:
    count: int = page.browser.driver.execute_script(_HOLDING)
    return count


def is_quiet(page: ResumePage) -> bool:
    """Return whether a page does not poll again and again while nothing happens."""
    before = page.requests(POLL)
    # Nothing shows that no poll happens.
    time.sleep(QUIET)
    # The server answers a held poll after 25 s: that may be now.
    return page.requests(POLL) - before <= 1


def test_quiet_page_sends_no_polls_and_learns_of_the_end(page: ResumePage) -> None:
    until_equal(lambda: holding(page), 1, timeout=5)
    assert is_quiet(page)
    # The held poll leaves room for the next job, which brings its own.
    page.click("#run")
    until(lambda: page.site.lines("started.log")[1:] == ["1", "2"], timeout=20)
    before = page.requests(POLL)
    page.site.let_end()
    page.wait_for_text("#out", "run 2")
    assert page.requests(POLL) - before <= 3
    until_equal(lambda: holding(page), 0, timeout=5)


def test_only_two_tabs_that_are_visible_hold_a_poll(page: ResumePage) -> None:
    driver = page.browser.driver
    first = driver.current_window_handle
    tabs = [first]
    for _ in range(2):
        driver.switch_to.new_window("window")
        tabs.append(driver.current_window_handle)
        ResumePage(page.browser, page.site).run()
    visible = []
    quiet = []
    for tab in tabs:
        driver.switch_to.window(tab)
        visible.append(not driver.execute_script("return document.hidden"))
        quiet.append(is_quiet(page))
    assert visible == [True] * 3
    assert sorted(quiet) == [False, True, True]
    assert holding(page) == 2
    # The windows that go leave their places to the others.
    for tab in tabs[1:]:
        driver.switch_to.window(tab)
        driver.close()
    driver.switch_to.window(first)
    until(lambda: is_quiet(page), timeout=20)
    driver.switch_to.new_window("tab")
    ResumePage(page.browser, page.site)
    until_equal(lambda: holding(page), 0, timeout=5)
    driver.close()
    driver.switch_to.window(first)
