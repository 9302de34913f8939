"""The page of operators: its tables, filters, order and buttons."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from dash.testing.browser import Browser

from dash_long_components.core.jobs import Status
from dash_long_components.core.records import Record
from dash_long_components.core.requesters import Requester
from dash_long_components.managers.store.clock import Instant
from dash_long_components.managers.store.store import Store
from tests.browser.pages import Page
from tests.conftest import ROOT
from tests.integration.deployment import Setting, working
from tests.integration.servers import Server, command, serving
from tests.promises import promised
from tests.waiting import until, until_equal

APPS = ROOT / "tests/browser/apps"

_ROWS = """
const [name, columns] = arguments;
const rows = document.querySelectorAll(
    `.long-job-admin-${name} .ag-center-cols-container .ag-row`);
return [...rows].map(row => columns.map(
    column => row.querySelector(`[col-id="${column}"]`)?.textContent ?? ''));
"""

#: Notes down when the first row of the jobs was painted, in milliseconds since the
#: navigation.
_PAINT = """
new MutationObserver((_changes, observer) => {
    const row = '.long-job-admin-jobs .ag-row [col-id="status"]';
    if (document.querySelector(row)?.textContent) {
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(() => {
            window.painted = performance.now();
        }));
    }
}).observe(document, { childList: true, characterData: true, subtree: true });
"""


class AdminPage(Page):
    """The page of operators, for a user."""

    def __init__(self, browser: Browser, url: str, user: str) -> None:
        super().__init__(browser, url)
        driver = browser.driver
        driver.get(f"{url}/_dash-long-jobs/health")
        driver.add_cookie({"name": "user", "value": user})
        driver.get(f"{url}/admin")

    def rows(self, table: str, *columns: str) -> list[list[str]]:
        found: list[list[str]] = self.browser.driver.execute_script(
            _ROWS, table, columns
        )
        return found

    def wait_for_jobs(self, *expected: tuple[str, str]) -> None:
        """Wait until the table has these jobs, each with its status, in this order."""
        until_equal(
            lambda: self.rows("jobs", "task", "status"), list(map(list, expected)), 30
        )

    def wait_for_row(self, table: str, columns: list[str], expected: list[str]) -> None:
        until(lambda: expected in self.rows(table, *columns), 30)

    def select(self, table: str, text: str) -> None:
        """Select the row that has a text, by the keyboard."""
        self.browser.driver.execute_script(
            "const [table, text] = arguments;"
            "[...document.querySelectorAll(`.long-job-admin-${table} .ag-row`)]"
            ".find(row => row.textContent.includes(text))"
            ".querySelector('input').focus();",
            table,
            text,
        )
        self.browser.driver.switch_to.active_element.send_keys(" ")

    def press(self, name: str) -> None:
        button = f".long-job-admin-line > .long-job-admin-{name}"
        self.wait_until_enabled(button)
        self.click(button)

    def choose_status(self, label: str) -> None:
        for each in self.browser.find_elements(".long-job-admin-statuses label"):
            if each.text.startswith(label):
                each.click()
                return
        raise AssertionError(label)

    def sort_by(self, column: str) -> None:
        self.click(f".long-job-admin-jobs .ag-header-cell[col-id='{column}']")


@pytest.fixture(params=["diskcache", "celery"])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, browser_name: str
) -> Iterator[Server]:
    setting = Setting()
    if request.param == "celery":
        redis = request.getfixturevalue("redis")
        setting = Setting.celery(redis.database(), redis.database())
    environment = ["env", f"FOLDER={tmp_path}"]
    web = command(str(APPS / "admin.py"), **setting.manager)
    with ExitStack() as stack:
        (tmp_path / "web").mkdir()
        server = stack.enter_context(serving([*environment, *web], tmp_path / "web"))
        if setting.has_workers:
            worker = setting.worker(app="admin:celery_app", path=APPS)
            stack.enter_context(working([*environment, *worker], tmp_path / "worker"))
        yield server


def start(server: Server, path: str, user: str = "ada") -> None:
    with urllib.request.urlopen(f"{server.url}/start/{path}?user={user}") as answer:
        assert answer.read()


def test_operator_sees_filters_sorts_and_changes_jobs(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    start(server, "fail/odd")
    start(server, "build/first", "bob")

    # Another user sees nothing; the browser's log has the 404.
    page = AdminPage(browser, server.url, "ada")
    page.wait_for_text(".long-job-admin-notice", "Not found, or not for you.")
    assert page.rows("jobs", "task") == page.rows("tasks", "task") == []
    assert "404" in browser.get_logs()[0]["message"]

    page = AdminPage(browser, server.url, "root")
    first, failed = ("first (admin.build)", "Running"), ("admin.fail", "Failed")
    page.wait_for_jobs(first, failed)
    assert page.rows("jobs", "user", "error") == [
        ["bob", ""],
        ["ada", "ValueError: odd"],
    ]
    page.wait_for_row("tasks", ["task", "failed"], ["admin.fail", "1"])
    page.wait_for_row("processes", ["task", "state"], ["admin.build", "Alive"])

    page.sort_by("age")
    page.sort_by("age")
    page.wait_for_jobs(failed, first)
    page.sort_by("age")
    page.wait_for_jobs(first, failed)
    page.choose_status("Failed")
    page.wait_for_jobs(failed)
    page.choose_status("Failed")
    page.wait_for_jobs(first, failed)
    page.element(".long-job-admin-user").send_keys("ada\n")
    page.wait_for_jobs(failed)
    page.element(".long-job-admin-user").send_keys("\b\b\b\n")
    page.wait_for_jobs(first, failed)

    # The jobs of a paused task wait, until it is resumed.
    page.select("tasks", "admin.build")
    page.press("pause")
    page.wait_for_row("tasks", ["task", "usual"], ["admin.build", "Paused"])
    start(server, "build/second")
    page.wait_for_jobs(("admin.build", "Queued"), first, failed)
    page.press("resume")
    second = ("second (admin.build)", "Running")
    page.wait_for_jobs(second, first, failed)

    page.select("jobs", "second")
    page.press("cancel")
    page.wait_for_jobs((second[0], "Cancelled"), first, failed)

    page.press("drain")
    until(lambda: "New jobs are refused" in page.text(".long-job-admin-facts"), 20)
    page.press("undrain")
    page.wait_for_text(".long-job-admin-facts", "")
    (tmp_path / "go-on").touch()
    page.wait_for_jobs((second[0], "Cancelled"), (first[0], "Done"), failed)
    assert browser.get_logs() == []


def fill(folder: Path, count: int) -> None:
    """Store jobs that have ended."""
    store = Store(str(folder / "cache" / "long-jobs"), result_ttl=86_400)
    now = time.time()
    with store._database.transaction():
        for number in range(count):
            record = Record(
                id=f"job-{number}",
                task=f"app.task_{number % 20}",
                code="v1",
                status=list(Status)[2 + number % 6],
                requesters=(Requester(id="0", owner=f'"user {number % 50}"'),),
                created=now - number,
                changed=now,
            )
            store._add(record, Instant.now())
    store.close()


@pytest.mark.parametrize("server", ["diskcache"], indirect=True)
def test_page_of_10000_jobs_is_there_at_once_and_sends_one_request_a_tick(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    fill(tmp_path, 10_000)
    driver: Any = browser.driver
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": _PAINT})
    page = AdminPage(browser, server.url, "root")

    def painted() -> float | None:
        found: float | None = driver.execute_script("return window.painted")
        return found

    until(lambda: painted() is not None, 30)
    first = painted() or 0.0
    with promised("1 s", clock=iter([0.0, first / 1000]).__next__):
        assert len(page.rows("jobs", "task")) > 5
    until(lambda: "10,000" in page.text(".long-job-admin-jobs .ag-paging-panel"), 20)

    sent, ordinary = page.requests("long-jobs/admin"), page.requests("_dash-update")
    began = time.monotonic()
    until(lambda: page.requests("long-jobs/admin") >= sent + 3, 30)
    ticks = page.requests("long-jobs/admin") - sent
    assert ticks <= 1 + (time.monotonic() - began) / 2
    assert page.requests("_dash-update") == ordinary
