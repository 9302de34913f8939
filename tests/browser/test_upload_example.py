"""The example from an upload to a result."""

from __future__ import annotations

from pathlib import Path

import pytest
from dash.testing.browser import Browser

from tests.browser.long_job_pages import JobPart
from tests.browser.pages import Page
from tests.conftest import StartApp
from tests.waiting import until


class UploadPage(Page):
    """The page of ``examples/upload.py``."""

    def choose(self, file: Path) -> None:
        self.browser.find_element("input[type=file]").send_keys(str(file))
        until(lambda: file.name in self.text("#file-text"), timeout=20)

    def set_resamples(self, count: int) -> None:
        field = self.element("#resamples")
        self.browser.clear_input(field)
        field.send_keys(f"{count}\t")

    @property
    def table(self) -> dict[str, float]:
        """The value of each row of the result."""
        rows = [line.split() for line in self.text("#table").splitlines()]
        return {name: float(value) for name, value, *_ in rows}


@pytest.fixture
def page(dash_duo: Browser, start_app: StartApp) -> UploadPage:
    return UploadPage(dash_duo, start_app("examples/upload.py").url)


def test_upload_gives_a_table_and_a_figure(page: UploadPage, tmp_path: Path) -> None:
    file = tmp_path / "line.csv"
    rows = [f"{x},{3 * x + (-1) ** x}" for x in range(50)]
    file.write_text("\n".join(["x,y", *rows, "none,1"]))
    page.choose(file)
    page.set_resamples(300)
    page.click("#fit")
    job = JobPart(page, "job")
    job.wait_for_status("Done")
    assert page.table["slope"] == pytest.approx(3, abs=0.1)
    page.browser.wait_for_element("#figure .scatterlayer .trace")
    assert page.browser.get_logs() == []


def test_upload_without_numbers_says_so_and_a_long_fit_can_be_cancelled(
    page: UploadPage, tmp_path: Path
) -> None:
    words = tmp_path / "words.csv"
    words.write_text("a,b\nx,y\nx,y\n")
    page.choose(words)
    page.click("#fit")
    job = JobPart(page, "job")
    job.wait_for_status("Failed")
    job.wait_for("a and b have fewer than 3 rows of numbers.")
    numbers = tmp_path / "numbers.csv"
    numbers.write_text("a,b\n" + "1,2\n2,4\n3,7\n" * 100)
    page.choose(numbers)
    page.set_resamples(10_000_000)
    page.click("#fit")
    job.wait_for_status("Running")
    job.press("Cancel")
    job.wait_for_status("Cancelled")
    page.set_resamples(200)
    page.click("#fit")
    job.wait_for_status("Done")
