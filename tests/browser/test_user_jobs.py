"""A user's jobs on all devices: in the tray, by link, and for no other user."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from dash.testing.browser import Browser

from tests.browser.deployed import deployed, setting_of
from tests.browser.long_job_pages import JobPart, TrayPart
from tests.browser.pages import Page
from tests.integration.servers import Server
from tests.waiting import until

HINT = "The link leads to no job, or not to one of yours."


@pytest.fixture(params=["diskcache", "celery"])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, browser_name: str
) -> Iterator[Server]:
    with deployed("user_jobs", setting_of(request), tmp_path) as server:
        yield server


@pytest.fixture
def other_browser(dash_br: Browser) -> Iterator[Browser]:
    """Another device than that of ``dash_br``."""
    with Browser("Chrome", percy_run=False) as other:
        other.driver.implicitly_wait(0)
        yield other
        assert other.get_logs() == []


class Device:
    """A browser in which a user is logged in."""

    def __init__(self, browser: Browser, url: str, user: str) -> None:
        self.url = url
        self.page = Page(browser, url)
        self.log_in(user)
        self.job = JobPart(self.page, "job")
        self.tray = TrayPart(self.page)

    def log_in(self, user: str) -> None:
        """Begin as a user, in a tab that knows no job."""
        driver = self.page.browser.driver
        # No engine runs here that would save its jobs.
        driver.get(f"{self.url}/_dash-long-jobs/health")
        driver.execute_script("sessionStorage.clear()")
        driver.delete_all_cookies()
        driver.add_cookie({"name": "user", "value": user})

    def open(self, path: str) -> None:
        self.page.browser.driver.get(self.url + path)

    def path(self) -> str:
        path: str = self.page.browser.driver.current_url.removeprefix(self.url)
        return path

    def link(self) -> str:
        """Return what the button of the list's first job copies."""
        self.page.browser.wait_for_element("#tray button[aria-label^='Copy link']")
        script = """
        const [done] = arguments;
        navigator.clipboard.writeText = async text => done(text);
        document.querySelector("#tray button[aria-label^='Copy link']").click();
        """
        link: str = self.page.browser.driver.execute_async_script(script)
        return link.removeprefix(self.url)


def test_devices_of_a_user_share_jobs_and_links_that_no_other_user_can_open(
    browser: Browser, other_browser: Browser, server: Server, tmp_path: Path
) -> None:
    url = server.url
    first = Device(browser, url, "ada")
    second = Device(other_browser, url, "ada")

    # A job of one device is in the list of another, which follows it on its page.
    first.open("/report?year=2024")
    first.page.click("#run")
    first.job.wait_for("1 of 4")
    second.open("/")
    second.page.wait_for_text("#home", "Home")
    second.tray.toggle()
    second.tray.wait_for("Build Running half 1 of 4")
    second.tray.press("Open page")
    second.job.wait_for("1 of 4")
    assert second.path() == "/report?year=2024"
    first.tray.toggle()
    first.tray.wait_for("Build Running")
    link = first.link()
    assert link.startswith("/report?year=2024&long-job=")
    first.tray.toggle()

    # Another user sees none of them, and no difference from a job that there is not.
    second.log_in("eve")
    second.open("/")
    second.tray.toggle()
    until(lambda: "No jobs yet" in second.page.text("#tray"), timeout=10)
    for forbidden in (link, link[:-3], "/report?long-job=invented"):
        second.open(forbidden)
        until(lambda: HINT in second.page.text("#tray"), timeout=10)
        assert second.page.text("#out") == "nothing"
        second.log_in("eve")

    # Its user opens the link of a live job on another device, and cancels it there.
    second.log_in("ada")
    second.open(link)
    second.page.wait_for_text("h1", "Report 2024")
    assert second.path() == "/report?year=2024"
    second.job.wait_for("1 of 4")
    second.log_in("ada")
    second.open("/")
    second.tray.toggle()
    second.tray.wait_for("Build Running")
    second.tray.press("Cancel")
    first.job.wait_for_status("Cancelled")
    second.tray.wait_for("Build Cancelled")

    # The result is there for all devices, and by a shared link for everyone.
    (tmp_path / "go-on").touch()
    first.page.click("#run")
    first.page.wait_for_text("#out", "report 2")
    second.tray.wait_for("Build 2 Done", "Build 1 Cancelled")
    second.tray.press("Show result")
    second.page.wait_for_text("#out", "report 2")
    request = urllib.request.Request(f"{url}/share", headers={"Cookie": "user=ada"})
    with urllib.request.urlopen(request) as answer:
        shared = answer.read().decode()
    second.log_in("eve")
    second.open(shared)
    second.page.wait_for_text("#out", "report 2")
