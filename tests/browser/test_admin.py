"""The page of operators: its tables, filters, order and buttons."""

from __future__ import annotations

import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from dash.testing.browser import Browser
from selenium.webdriver.common.keys import Keys

from dash_long_components.core.records import Record
from dash_long_components.core.requesters import Requester
from dash_long_components.core.status import Status
from dash_long_components.managers.store.clock import Instant
from dash_long_components.managers.store.store import Store
from tests.browser.deployed import deployed, setting_of
from tests.browser.long_job_pages import Look
from tests.browser.pages import Page
from tests.integration.servers import Server
from tests.waiting import until, until_equal

#: Dash 4 has a box around the field.
USER = ".long-job-admin-user input, input.long-job-admin-user"

#: What the table of jobs says without any.
NO_ROWS = ".long-job-admin-jobs .ag-overlay"

REFUSED = "Not found, or not for you. Log in, and reload the page."

TABLES = ("jobs", "tasks", "processes")

#: The endpoint of the page.
LOOK = "_dash-long-jobs/admin"

_ROWS = """
const [name, columns] = arguments;
const rows = document.querySelectorAll(
    `.long-job-admin-${name} .ag-center-cols-container .ag-row`);
return [...rows].map(row => columns.map(
    column => row.querySelector(`[col-id="${column}"]`)?.textContent ?? ''));
"""


#: Has the next requests with a text wait for ``goOn``.
_HOLD = """
const [text] = arguments;
const send = window.fetch;
window.fetch = async (...args) => {
    if (String(args[1]?.body).includes(text)) {
        await new Promise(done => { window.goOn = done; });
    }
    return send(...args);
};
"""

#: Answers so many looks as a server does whose job store does not respond.
_FAIL = """
const [times] = arguments;
const send = window.fetch;
window.failed = 0;
window.fetch = async (...args) => {
    if (window.failed < times && String(args[1]?.body).includes('"look"')) {
        window.failed += 1;
        return new Response('Try again.', {status: 503});
    }
    return send(...args);
};
"""

#: Sends looks to a port until ``goOn``, with a twentieth of the time for an answer.
_HANG = """
const [port] = arguments;
const send = window.fetch;
const timeout = AbortSignal.timeout;
AbortSignal.timeout = ms => timeout.call(AbortSignal, ms / 20);
window.fetch = (url, options) => String(options?.body).includes('"look"')
    ? send(`http://127.0.0.1:${port}/`, options) : send(url, options);
window.goOn = () => { window.fetch = send; };
"""

_ENABLED = """
const buttons = document.querySelectorAll('.long-job-admin-line > button');
return [...buttons].filter(button => !button.disabled).length;
"""


#: Returns the headers of which a part is out of sight.
_CUT = """
const headers = document.querySelectorAll('.long-job-admin .ag-header-cell-text');
return [...headers].filter(header => header.scrollWidth > header.clientWidth + 1
    && !header.closest('.long-job-admin-unseen')).map(header => header.textContent);
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

    def enabled(self) -> int:
        """Return how many buttons are enabled."""
        count: int = self.browser.driver.execute_script(_ENABLED)
        return count

    def choose_status(self, label: str) -> None:
        # In one step: each look draws the labels again, with other counts.
        self.browser.driver.execute_script(
            "[...document.querySelectorAll('.long-job-admin-statuses label')]"
            ".find(each => each.textContent.startsWith(arguments[0]))"
            ".querySelector('input').click()",
            label,
        )

    def sort_by(self, column: str) -> None:
        self.click(f".long-job-admin-jobs .ag-header-cell[col-id='{column}']")


@pytest.fixture(params=["diskcache", "celery"])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, browser_name: str
) -> Iterator[Server]:
    with deployed("admin", setting_of(request), tmp_path) as server:
        yield server


def start(server: Server, path: str, user: str = "ada") -> None:
    with urllib.request.urlopen(f"{server.url}/start/{path}?user={user}") as answer:
        assert answer.read()


def test_operator_sees_filters_sorts_and_changes_jobs(
    server: Server, browser: Browser, tmp_path: Path
) -> None:
    # A page without jobs says so through all looks, and shows the first job.
    page = AdminPage(browser, server.url, "root")
    page.wait_for_text(NO_ROWS, "No jobs")
    looks = page.requests(LOOK)
    until(lambda: page.requests(LOOK) >= looks + 2, 30)
    assert page.text(NO_ROWS) == "No jobs"
    assert page.text(".long-job-admin-tasks .ag-overlay") == "No tasks"
    start(server, "fail/odd")
    page.wait_for_jobs(("admin.fail", "Failed"))
    start(server, "build/first", "bob")

    # Another user sees nothing. The browser's log has a 404 for each look under way.
    page = AdminPage(browser, server.url, "ada")
    page.wait_for_text(".long-job-admin-notice", REFUSED)
    assert page.rows("jobs", "task") == page.rows("tasks", "task") == []
    until(lambda: errors(browser) == {"404"}, 10)

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
    page.element(USER).send_keys("ada", Keys.ENTER)
    page.wait_for_jobs(failed)
    page.element(USER).send_keys(Keys.BACKSPACE * 3, Keys.ENTER)
    page.wait_for_jobs(first, failed)

    # The jobs of a paused task wait, until it is resumed.
    page.select("tasks", "admin.build")
    browser.driver.execute_script(_HOLD, '"pause":[')
    page.press("pause")
    # No other click counts until the answer is there.
    until(lambda: page.enabled() == 0, 10)
    browser.driver.execute_script("window.goOn()")
    page.wait_for_row("tasks", ["task", "usual"], ["admin.build", "Paused"])
    start(server, "build/second")
    page.wait_for_jobs(("admin.build", "Queued"), first, failed)
    page.press("resume")
    second = ("second (admin.build)", "Running")
    page.wait_for_jobs(second, first, failed)

    page.select("jobs", "second")
    page.press("cancel")
    cancelled = (second[0], "Cancelled")
    page.wait_for_jobs(cancelled, first, failed)
    page.select("jobs", "first")
    page.press("retry")
    page.wait_for_jobs(second, cancelled, first, failed)
    page.wait_for_text(".long-job-admin-outcome", "1 of 2 done.")

    page.press("drain")
    until(lambda: "New jobs are refused" in page.text(".long-job-admin-facts"), 20)
    page.press("undrain")
    page.wait_for_text(".long-job-admin-facts", "")
    (tmp_path / "go-on").touch()
    page.wait_for_jobs((second[0], "Done"), cancelled, (first[0], "Done"), failed)

    # The session ends while the page is open.
    browser.driver.add_cookie({"name": "user", "value": "ada"})
    page.wait_for_text(".long-job-admin-notice", REFUSED)
    until(lambda: not any(page.rows(each, "task") for each in TABLES), 10)
    assert page.text(".long-job-admin-queues") == "Queues"
    assert errors(browser) <= {"404"}


@pytest.mark.parametrize("server", ["diskcache"], indirect=True)
def test_page_goes_on_after_an_outage_of_the_job_store(
    server: Server, browser: Browser
) -> None:
    start(server, "fail/odd")
    page = AdminPage(browser, server.url, "root")
    page.wait_for_jobs(("admin.fail", "Failed"))
    browser.driver.execute_script(_FAIL, 3)
    page.wait_for_text(".long-job-admin-notice", "Try again.")
    # The table has what it had.
    assert page.rows("jobs", "task") == [["admin.fail"]]
    until(lambda: browser.driver.execute_script("return window.failed") == 3, 30)
    start(server, "fail/odd")
    page.wait_for_jobs(("admin.fail", "Failed"), ("admin.fail", "Failed"))
    page.wait_for_text(".long-job-admin-notice", "")


@pytest.mark.parametrize("server", ["diskcache"], indirect=True)
def test_page_says_that_a_server_hangs_and_goes_on_after_that(
    server: Server, browser: Browser
) -> None:
    start(server, "fail/odd")
    page = AdminPage(browser, server.url, "root")
    page.wait_for_jobs(("admin.fail", "Failed"))
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        browser.driver.execute_script(_HANG, hanging.getsockname()[1])
        page.wait_for_text(
            ".long-job-admin-notice", "The server does not respond. Retrying…"
        )
        assert page.rows("jobs", "task") == [["admin.fail"]]
        browser.driver.execute_script("window.goOn()")
        page.wait_for_text(".long-job-admin-notice", "")


def errors(browser: Browser) -> set[str]:
    """Return the new messages in the browser's log, a refused look as "404"."""
    messages = [entry["message"] for entry in browser.get_logs()]
    return {"404" if LOOK in each and " 404 " in each else each for each in messages}


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
                requesters=(Requester(id="0", owner=f'"user {number // 50}"'),),
                created=now - count + number,
                changed=now,
            )
            store._jobs.add(record, Instant.now())
    store.close()


@pytest.mark.parametrize("server", ["diskcache"], indirect=True)
def test_page_of_10000_jobs_has_fifty_and_never_calls_the_callbacks_of_the_app(
    server: Server, browser: Browser, tmp_path: Path
) -> None:
    fill(tmp_path, 10_000)
    page = AdminPage(browser, server.url, "root")
    page.wait_for_row("jobs", ["task", "user"], ["app.task_19", "user 199"])
    pager = ".long-job-admin-jobs .ag-paging-panel"
    until(lambda: "1 to 50 of 10,000" in " ".join(page.text(pager).split()), 20)

    page.select("tasks", "app.task_19")
    until(lambda: not browser.driver.execute_script(_CUT), 10)
    Look(browser).check("admin")

    callbacks, looks = page.requests("_dash-update"), page.requests(LOOK)
    page.click(f"{pager} [aria-label='Next page']")
    until(lambda: "51 to 100" in " ".join(page.text(pager).split()), 20)
    page.wait_for_row("jobs", ["task", "user"], ["app.task_19", "user 198"])
    until(lambda: page.requests(LOOK) >= looks + 3, 30)
    assert page.requests("_dash-update") == callbacks
