"""LongJob inside other libraries' layouts, and the tray across the pages of an app."""

from __future__ import annotations

from dash.testing.browser import Browser

from tests.browser.long_job_pages import JobPart, Look, TrayPart
from tests.browser.pages import Page
from tests.conftest import StartApp
from tests.waiting import until


def test_jobs_are_followed_across_pages_in_layouts_of_other_libraries(
    browser: Browser, start_app: StartApp
) -> None:
    app = start_app("tests/browser/apps/long_job_in_pages.py")
    page = Page(browser, app.url)
    look = Look(browser)
    tray = TrayPart(page)

    browser.wait_for_element("#start-bootstrap")
    page.click("#start-bootstrap")
    job = JobPart(page, "job-bootstrap")
    job.wait_for("1 of 4")
    look.check("bootstrap")
    page.wait_for_text("#note-bootstrap", "noted")

    page.click("#to-mantine")
    browser.wait_for_element("#start-mantine")
    page.click("#start-mantine")
    JobPart(page, "job-mantine").wait_for("1 of 4")
    look.check("mantine")
    until(lambda: browser.driver.title == "(2)\u00a0Mantine", timeout=5)

    # Its page is away when the job ends: the view and the output fill in later.
    (app.folder / "go-on").touch()
    page.wait_for_text("#out-mantine", "mantine 1")
    page.wait_for_text(".long-job-toasts .long-job-name", "Job 1")
    look.check("toast")
    page.click(".long-job-toasts button[aria-label^=Close]")
    tray.toggle()
    tray.wait_for("Job 2 Done", "Job 1 Done")
    until(lambda: browser.driver.title == "Mantine", timeout=5)
    tray.open_job("Job 1")
    page.wait_for_text("#out-bootstrap", "bootstrap 1")
    page.wait_for_text("#note-bootstrap", "noted")
    job.wait_for_status("Done")
    page.wait_for_focus("out-bootstrap")
    until(lambda: browser.driver.title == "Bootstrap", timeout=5)

    # The page comes without its result, which the server still has.
    page.click("#to-mantine")
    page.wait_for_text("#out-mantine", "-")
    tray.toggle()
    tray.open_job("Job 2")
    page.wait_for_text("#out-mantine", "mantine 1")
    page.wait_for_focus("out-mantine")
