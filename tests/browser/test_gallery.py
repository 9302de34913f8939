"""The gallery runs every example and shows the source that runs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from dash.testing.browser import Browser

from tests.browser.long_job_pages import JobPart, Look
from tests.browser.pages import Page
from tests.conftest import ROOT, StartApp
from tests.integration.brokers import Redis
from tests.integration.deployment import working
from tests.waiting import until

EXAMPLES = {
    "simple": "simple",
    "disable_button": "disable",
    "cancel": "cancel",
    "progress_bar": "progress",
    "progress_graph": "graph",
}
#: Pages that wait for a click.
QUIET = {
    "loops": "loops",
    "steps": "steps",
    "log": "log",
    "streaming": "streaming",
    "view": "view",
    "retry": "retry",
    "attempts": "attempts",
    "parts": "parts",
    "questions": "questions",
    "queue": "queue",
    "queues": "queues",
    "your_jobs": "user",
    "libraries": "libraries",
    "caching": "caching",
    "upload": "upload",
    "operators": "operators",
}

GUNICORN = [sys.executable, "-m", "gunicorn", "usage:server", "--workers=2"]
GUNICORN += ["--bind=127.0.0.1:{port}", f"--pythonpath={ROOT}"]


class GalleryPage(Page):
    def follow(self, name: str) -> None:
        """Go to the page of an example by its link in the navigation."""
        self.browser.wait_for_element("nav")
        self.click(f"nav a[href='/{name.replace('_', '-')}']")
        self.browser.wait_for_element(f"#{(EXAMPLES | QUIET)[name]}-button")

    @property
    def theme(self) -> str:
        theme: str = self.browser.driver.execute_script(
            "return document.documentElement.dataset.theme"
        )
        return theme

    def wait_for_start_of(self, selector: str, text: str) -> None:
        until(lambda: self.text(selector).startswith(text), timeout=20)

    @property
    def source(self) -> str:
        element = self.browser.wait_for_element(".source code")
        source: str = element.get_attribute("textContent")
        return source.strip()


def test_every_example_runs_beside_its_source(
    browser: Browser, start_app: StartApp
) -> None:
    page = GalleryPage(browser, start_app("usage.py").url)
    for name, prefix in (EXAMPLES | QUIET).items():
        page.follow(name)
        text = "Button not clicked" if name in QUIET else "Clicked None times"
        page.wait_for_text(f"#{prefix}-paragraph", text)
        file = (ROOT / f"gallery/pages/{name}.py").read_text()
        assert "def callback(" in page.source
        assert file.endswith(f"{page.source}\n")


def test_gallery_opens_with_a_job_and_fits_a_phone(
    browser: Browser, start_app: StartApp
) -> None:
    page = GalleryPage(browser, start_app("usage.py").url)
    look = Look(browser)
    page.click("#home-button")
    JobPart(page, "home-job").wait_for_status("Running")
    look.resize(390)
    look.keep("gallery-390")
    widths = "return [document.documentElement, document.querySelector('nav')]"
    (width, seen), (row, part) = browser.driver.execute_script(
        f"{widths}.map(each => [each.scrollWidth, each.clientWidth])"
    )
    assert width == seen
    assert row > part
    look.resize(1280)
    page.follow("upload")
    assert page.theme == "light"
    page.click("#theme")
    assert page.theme == "dark"
    page.click("#upload-sample")
    page.wait_until_enabled("#upload-button")
    page.click("#upload-button")
    page.wait_for_start_of("#upload-paragraph", "Slope 2.")
    look.keep("gallery-upload")
    browser.driver.refresh()
    page.click("nav a[href='/migration']")
    browser.wait_for_element("mark")
    assert page.theme == "dark"
    assert len(browser.find_elements("mark")) == 6
    look.keep("gallery-migration")


def test_parts_of_a_job_are_counted(browser: Browser, start_app: StartApp) -> None:
    page = GalleryPage(browser, start_app("usage.py").url)
    page.follow("parts")
    page.wait_until_enabled("#parts-button")
    page.record("#parts-job", "element.innerText")
    page.click("#parts-button")
    page.wait_for_text("#parts-paragraph", "Clicked 1 times, and the sum is 506")
    bar = re.compile(r"Squares.*\b\d+ of 12", re.DOTALL)
    assert any(bar.search(state) for state in page.recorded("#parts-job"))


def test_examples_run_under_gunicorn(browser: Browser, start_app: StartApp) -> None:
    page = GalleryPage(browser, start_app(GUNICORN).url)
    page.follow("cancel")
    page.wait_for_text("#cancel-paragraph", "Clicked None times")
    page.wait_until_enabled("#cancel-button")
    page.click("#cancel-button")
    page.wait_for_text("#cancel-paragraph", "Clicked 1 times")


def test_examples_run_on_celery_where_a_broker_is_named(
    browser: Browser, start_app: StartApp, redis: Redis, tmp_path: Path
) -> None:
    named = [
        *("env", f"PYTHONPATH={ROOT}", f"CELERY_BROKER_URL={redis.database()}"),
        *(f"CELERY_RESULT_BACKEND={redis.database()}", sys.executable),
    ]
    worker = [*named, *("-m", "celery", "-A", "usage:celery_app", "worker", "-c", "2")]
    with working([*worker, "-l", "INFO"], tmp_path / "worker") as process:
        app = start_app([*named, str(ROOT / "usage.py")])
        page = GalleryPage(browser, app.url)
        page.follow("simple")
        page.wait_for_text("#simple-paragraph", "Clicked None times")
        page.click("#simple-button")
        page.wait_for_text("#simple-paragraph", "Clicked 1 times")
        assert process.log.count(" received") == 2
