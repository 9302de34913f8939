"""A second trigger while the job of the first one runs."""

from __future__ import annotations

import pytest
from dash.testing.browser import Browser

from tests.browser.pages import Page
from tests.conftest import AppProcess, StartApp
from tests.waiting import until, until_equal


class RetriggerPage(Page):
    def __init__(self, browser: Browser, app: AppProcess) -> None:
        super().__init__(browser, app.url)
        self.folder = app.folder
        self.wait_for_text(".ignore-1 .status", "idle")

    def run(self, policy: str, index: int = 0) -> None:
        self.click(f".{policy}-{index} .run")

    def run_twice(self, policy: str) -> None:
        run = f".{policy}-0 .run"
        self.click_in_flight(run, run)

    def release(self, what: str) -> None:
        (self.folder / f"go {what}").touch()

    @property
    def jobs(self) -> list[str]:
        log = self.folder / "jobs.log"
        return log.read_text().splitlines() if log.exists() else []

    def wait_for_jobs(self, *jobs: str) -> None:
        until_equal(lambda: self.jobs, list(jobs), timeout=20)

    def wait_for(self, policy: str, result: str, status: str, index: int = 0) -> None:
        self.wait_for_text(f".{policy}-{index} .result", result)
        self.wait_for_text(f".{policy}-{index} .status", status)

    def record_result(self, policy: str) -> None:
        self.record(f".{policy}-0 .result", "element.textContent")

    def results(self, policy: str) -> list[str]:
        return [str(text) for text in self.recorded(f".{policy}-0 .result")]


@pytest.fixture
def page(start_app: StartApp, browser: Browser) -> RetriggerPage:
    return RetriggerPage(browser, start_app("tests/browser/parity/apps/retrigger.py"))


def test_new_trigger_replaces_or_waits_for_or_spares_the_live_job(
    page: RetriggerPage,
) -> None:
    for policy in ("replace", "queue", "parallel", "ignore"):
        page.record_result(policy)

    # Row 1 starts first. Triggers of row 0 do not affect its job.
    page.run("replace", 1)
    page.wait_for_jobs("start replace 1 1")
    page.release("replace 0 2")
    page.run_twice("replace")
    page.wait_for("replace", "clicked 2", "idle")
    assert page.results("replace") == ["", "clicked 2"]
    assert "end replace 0 2" in page.jobs
    page.wait_for("replace", "", "running", 1)

    page.run("queue", 1)
    until(lambda: "start queue 1 1" in page.jobs, timeout=20)
    page.run("queue")
    until(lambda: "start queue 0 1" in page.jobs, timeout=20)
    page.run("queue")
    assert "start queue 0 2" not in page.jobs
    page.release("queue 0 1")
    page.wait_for("queue", "clicked 1", "running")
    page.release("queue 0 2")
    page.wait_for("queue", "clicked 2", "idle")
    assert page.results("queue") == ["", "clicked 1", "clicked 2"]
    ended = [f"{what} queue 0 {n}" for n in (1, 2) for what in ("start", "end")]
    assert [job for job in page.jobs if " queue 0 " in job] == ended
    page.wait_for("queue", "", "running", 1)

    page.run_twice("parallel")
    both = {"start parallel 0 1", "start parallel 0 2"}
    until(lambda: set(page.jobs) >= both, timeout=20)
    page.release("parallel 0 2")
    # It runs as long as one of the two runs.
    page.wait_for("parallel", "clicked 2", "running")
    page.release("parallel 0 1")
    page.wait_for("parallel", "clicked 1", "idle")

    page.run("ignore")
    until(lambda: "start ignore 0 1" in page.jobs, timeout=20)
    page.run("ignore")
    page.run("ignore")
    page.run("ignore", 1)
    until(lambda: "start ignore 1 1" in page.jobs, timeout=20)
    page.release("ignore 0 1")
    page.wait_for("ignore", "clicked 1", "idle")
    page.wait_for("ignore", "", "running", 1)
    page.release("ignore 0 4")
    page.run("ignore")
    page.wait_for("ignore", "clicked 4", "idle")
    started = [job for job in page.jobs if job.startswith("start ignore 0")]
    assert started == ["start ignore 0 1", "start ignore 0 4"]

    for policy in ("replace", "queue", "ignore"):
        page.release(f"{policy} 1 1")
        page.wait_for(policy, "clicked 1", "idle", 1)
    assert not page.browser.find_elements(".test-devtools-error-count")


def test_reload_changes_nothing_of_it(page: RetriggerPage) -> None:
    ignored, *queued = jobs = [
        "start ignore 0 1",
        *("start queue 0 1", "end queue 0 1") * 3,
    ]
    page.run("ignore")
    page.wait_for_jobs(ignored)
    page.run("queue")
    page.wait_for_jobs(ignored, queued[0])
    for reloads in (1, 2):
        page.browser.driver.refresh()
        page.wait_for("ignore", "", "running")
        page.wait_for("queue", "", "running")
        page.run("ignore")
        page.run("queue")
        page.wait_for_live(2 + reloads)
    assert page.jobs == jobs[:2]
    page.release("queue 0 1")
    page.wait_for("queue", "clicked 1", "idle")
    assert page.jobs == jobs
    page.release("ignore 0 1")
    page.wait_for("ignore", "clicked 1", "idle")
    assert page.jobs == [*jobs, "end ignore 0 1"]
