"""The first example of the README does what the README says."""

from __future__ import annotations

from pathlib import Path

from dash.testing.browser import Browser

from tests.browser.long_job_pages import JobPart
from tests.browser.pages import Page
from tests.conftest import ROOT, StartApp


def test_first_example_shows_its_job_and_survives_a_reload(
    dash_duo: Browser, start_app: StartApp, tmp_path: Path
) -> None:
    readme = (ROOT / "README.md").read_text()
    script = tmp_path / "app.py"
    script.write_text(readme.split("```python\n")[1].split("```")[0])
    page = Page(dash_duo, start_app(script).url)
    job = JobPart(page, "job")
    page.click("#run")
    job.wait_for_status("Running")
    assert page.is_busy("#run")
    dash_duo.driver.refresh()
    job.wait_for_status("Running")
    assert page.is_busy("#run")
    job.wait_for_status("Done")
    assert not page.is_busy("#run")
    page.wait_for_text("#text", "Run 1 is done.")
