"""Jobs go on through reloads, lost connections and the death of servers and workers.

Each test sees the page as a user does, and that it applies the result exactly once.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from dash.testing.browser import Browser

from dash_long_components.testing import wait_for_job
from tests.browser.deployed import deployed, setting_of
from tests.browser.pages import Page
from tests.integration.servers import Server
from tests.promises import promised
from tests.waiting import until

#: Seconds between two polls of a page.
INTERVAL = 1.0

#: Records when the page was hidden and shown again, by its own clock.
_NOTE_VISIBILITY = """
window.changes = [];
document.addEventListener(
    'visibilitychange', event => window.changes.push(event.timeStamp));
"""

#: The milliseconds for which the page was hidden, and the polls during them.
_POLLS_WHILE_HIDDEN = """
const [hidden, seen] = window.changes;
const polls = performance.getEntriesByType('resource').filter(
    ({ name, startTime }) => name.includes('/_dash-long-jobs/poll')
        && hidden < startTime && startTime < seen);
return [seen - hidden, polls.length];
"""


#: Loads a page again that has come from the back/forward cache and shows the result.
#: Chromium does so by itself now and then: to one with a SharedWorker, as Dash's on
#: FastAPI and Quart. True on the page that is loaded then.
_LOADED_AGAIN = """
const result = document.querySelector('#out')?.textContent;
if (window.isFirst && !window.isLeaving && result === 'run 1') {
    window.isLeaving = true;
    location.reload();
}
return !window.isFirst;
"""


@dataclass
class Site:
    """The app, and the files in which its jobs record what they do."""

    server: Server
    folder: Path

    def lines(self, name: str) -> list[str]:
        file = self.folder / name
        return file.read_text().split() if file.exists() else []

    def let_go_on(self) -> None:
        (self.folder / "go-on").touch()

    def let_end(self) -> None:
        """Let the job go on, and wait until its function has returned."""
        self.let_go_on()
        until(lambda: self.lines("ended.log"), timeout=20, poll=0.02)

    def forget(self) -> None:
        for name in ("started.log", "ended.log", "pids", "go-on"):
            (self.folder / name).unlink(missing_ok=True)


@pytest.fixture(scope="module", params=["diskcache", "celery"])
def site_of_module(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp(request.param)
    with deployed("resume", setting_of(request), folder) as server:
        yield Site(server, folder)


@pytest.fixture
def site(site_of_module: Site) -> Iterator[Site]:
    yield site_of_module
    site_of_module.forget()


class ResumePage(Page):
    def __init__(self, browser: Browser, site: Site) -> None:
        super().__init__(browser, site.server.url)
        self.site = site
        self.wait_for_text("#out", "at load")
        self.name = self.text("#owner")

    def run(self) -> None:
        self.click("#run")
        self.wait_until_half()

    def cancel(self) -> None:
        self.click("#job .long-job-actions button")
        self.wait_for_text("#status", "idle")
        assert "Cancelled" in self.text("#job")

    def reload(self) -> None:
        self.browser.driver.refresh()

    def wait_until_half(self) -> None:
        self.wait_for_text("#status", "running")
        self.wait_for_text("#step", "half")
        self.wait_for_text("#note", "noted")

    def wait_for_result(self, applied: int = 1) -> None:
        """Wait for the result, and check that it is this page's own and came once."""
        self.wait_for_text("#out", "run 1")
        wait_for_job(self.browser)
        assert self.text("#applied") == str(applied)
        assert self.text("#owner") == self.name
        assert self.text("#status") == "idle"
        assert self.text("#step") == ""

    @property
    def connections(self) -> list[str]:
        """All states of the connection since the page was loaded."""
        script = "return window.connections"
        seen: list[str] = self.browser.driver.execute_script(script)
        return seen


@pytest.fixture
def page(browser: Browser, site: Site) -> ResumePage:
    page = ResumePage(browser, site)
    page.run()
    return page


@pytest.fixture
def failed_polls(browser: Browser) -> Iterator[Callable[[], int]]:
    """Count the polls that failed, by the browser's log."""
    entries: list[str] = []

    def count() -> int:
        entries.extend(entry["message"] for entry in browser.get_logs())
        assert all("_dash-long-jobs/poll" in entry for entry in entries), entries
        return len(entries)

    yield count
    count()


@pytest.mark.smoke
def test_reload_goes_on_with_the_job(page: ResumePage) -> None:
    page.reload()
    with promised("interval + 4 s", interval=INTERVAL):
        page.wait_until_half()
    page.site.let_end()
    with promised("interval + 4 s", interval=INTERVAL):
        page.wait_for_result()
    # The callback at page load started no second job.
    assert page.site.lines("started.log") == ["None", "1"]
    # The page has shown the result: the next reload is an ordinary page load.
    page.reload()
    page.wait_for_text("#out", "at load")
    assert page.site.lines("started.log") == ["None", "1", "None"]


def test_job_that_ends_while_the_page_is_away_shows_its_result(
    page: ResumePage,
) -> None:
    driver = page.browser.driver
    driver.execute_script("window.isFirst = true")
    driver.get("about:blank")
    page.site.let_end()
    driver.back()
    with promised("interval + 4 s", interval=INTERVAL):
        until(lambda: driver.execute_script(_LOADED_AGAIN), timeout=20)
        page.wait_for_result()
    assert page.site.lines("started.log") == ["None", "1"]


def assert_a_new_trigger_replaces_the_job(page: ResumePage) -> None:
    """Click again, and see that this page shows the result of that, once."""
    page.click("#run")
    until(lambda: page.site.lines("started.log") == ["None", "1", "1"], timeout=20)
    page.site.let_go_on()
    page.wait_for_text("#out", "run 1")
    wait_for_job(page.browser)
    assert page.text("#applied") == "1"
    assert page.text("#owner") != page.name


def test_result_after_a_reload_is_that_of_a_new_trigger(page: ResumePage) -> None:
    page.reload()
    page.wait_until_half()
    assert_a_new_trigger_replaces_the_job(page)


def test_killed_server_that_comes_back(
    page: ResumePage, failed_polls: Callable[[], int]
) -> None:
    server = page.site.server
    server.kill()
    page.wait_for_text("#connection", "reconnecting")
    page.site.let_end()
    # The page waits longer after each failure.
    until(lambda: failed_polls() >= 3, timeout=20)
    server.start()
    with promised("15 s"):
        page.wait_for_result()
    assert page.connections == ["online", "reconnecting", "online"]


@pytest.mark.unsupported("webkit", reason="only the system can cut its network")
def test_network_that_is_cut_and_restored(
    page: ResumePage, failed_polls: Callable[[], int]
) -> None:
    page.browser.driver.set_network(there=False)
    page.wait_for_text("#connection", "offline")
    page.site.let_end()
    until(lambda: failed_polls() >= 1, timeout=20)
    assert page.text("#status") == "running"
    page.browser.driver.set_network(there=True)
    with promised("interval + 4 s", interval=INTERVAL):
        page.wait_for_result()
    assert page.connections[0] == "online"
    assert page.connections[-1] == "online"
    assert "offline" in page.connections


def test_tabs_show_their_own_jobs_and_copies_of_a_tab_the_same(
    page: ResumePage,
) -> None:
    driver = page.browser.driver
    first = driver.current_window_handle
    driver.execute_script("window.open(location.href)")
    (copy,) = set(driver.window_handles) - {first}
    driver.switch_to.new_window("tab")
    other = ResumePage(page.browser, page.site)
    assert other.name != page.name
    other.run()
    page.site.let_go_on()
    until(lambda: len(page.site.lines("ended.log")) == 2, timeout=20)
    with promised("interval + 4 s", interval=INTERVAL):
        other.wait_for_result()
    driver.close()
    driver.switch_to.window(copy)
    with promised("interval + 4 s", interval=INTERVAL):
        page.wait_for_result()
    driver.close()
    driver.switch_to.window(first)
    with promised("interval + 4 s", interval=INTERVAL):
        page.wait_for_result()
    assert sorted(page.site.lines("started.log")) == ["1", "1", "None", "None"]


@pytest.fixture
def tab_and_copy(page: ResumePage) -> tuple[str, str]:
    """Reload the page, and copy its tab. The current one is the copy, with the job."""
    page.reload()
    page.wait_until_half()
    driver = page.browser.driver
    first = driver.current_window_handle
    driver.execute_script("window.open(location.href)")
    (copy,) = set(driver.window_handles) - {first}
    driver.switch_to.window(copy)
    page.wait_until_half()
    return first, copy


def test_new_trigger_in_a_copy_of_a_tab_leaves_the_job_to_the_tab(
    page: ResumePage, tab_and_copy: tuple[str, str]
) -> None:
    first, _ = tab_and_copy
    driver = page.browser.driver
    assert_a_new_trigger_replaces_the_job(page)
    driver.close()
    driver.switch_to.window(first)
    page.wait_for_result()
    assert len(page.site.lines("ended.log")) == 2


def test_cancel_in_a_copy_of_a_tab_leaves_the_job_to_the_tab(
    page: ResumePage, tab_and_copy: tuple[str, str]
) -> None:
    first, _ = tab_and_copy
    driver = page.browser.driver
    page.cancel()
    driver.close()
    driver.switch_to.window(first)
    page.site.let_end()
    page.wait_for_result()


def test_cancel_in_a_tab_ends_the_job_of_its_copy_too(
    page: ResumePage, tab_and_copy: tuple[str, str]
) -> None:
    first, copy = tab_and_copy
    driver = page.browser.driver
    driver.switch_to.window(first)
    page.cancel()
    driver.close()
    driver.switch_to.window(copy)
    page.wait_for_text("#status", "idle")
    assert "Cancelled" in page.text("#job")


@pytest.mark.unsupported("webkit", reason="under automation, no tab of it is hidden")
def test_hidden_tab_does_not_poll_and_catches_up_when_it_is_shown(
    page: ResumePage,
) -> None:
    driver = page.browser.driver
    first = driver.current_window_handle
    driver.execute_script(_NOTE_VISIBILITY)
    driver.switch_to.new_window("tab")
    # Nothing shows that no poll happens. A visible page polls once a second.
    time.sleep(3)
    page.site.let_end()
    driver.close()
    driver.switch_to.window(first)
    with promised("interval + 4 s", interval=INTERVAL):
        page.wait_for_result()
    hidden, polls = driver.execute_script(_POLLS_WHILE_HIDDEN)
    # One poll may have begun just before.
    assert hidden > 2500
    assert polls <= 1


def test_page_says_that_its_worker_was_killed_and_runs_the_next_job(
    page: ResumePage,
) -> None:
    for pid in page.site.lines("pids"):
        os.kill(int(pid), signal.SIGKILL)
    # On Celery, worker_lost_wait and five seconds may come on top of it.
    page.wait_for_text("#status", "idle")
    (entry,) = until(page.browser.get_logs, timeout=5)
    assert "lost" in entry["message"]
    assert "SIGKILL" in entry["message"]
    assert page.text("#out") == "at load"
    assert page.text("#step") == ""
    page.site.let_go_on()
    page.click("#run")
    page.wait_for_text("#out", "run 2")
    wait_for_job(page.browser)
    assert page.text("#applied") == "1"
