"""LongJob and LongJobTray on a page, with jobs that really run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from dash.testing.browser import Browser
from selenium.webdriver.common.keys import Keys

from tests.browser.long_job_pages import JobPart, Look, TrayPart
from tests.browser.pages import Page
from tests.conftest import AppProcess, StartApp
from tests.waiting import until


class ViewsPage(Page):
    def __init__(self, browser: Browser, app: AppProcess) -> None:
        super().__init__(browser, app.url)
        self.app = app
        self.job = JobPart(self, "job")
        self.other = JobPart(self, "other")
        self.two = JobPart(self, "two")
        self.tray = TrayPart(self)
        self.look = Look(browser)
        self.wait_for_text("#job", "Nothing yet")

    def start(self) -> None:
        self.click("#start")
        self.wait_until_at_three()

    def wait_until_at_three(self) -> None:
        self.job.wait_for_status("Running")
        self.job.wait_for("3 of 10")

    def let_go_on(self) -> None:
        (self.app.folder / "go-on").touch()

    def let_loop_go_on(self, loop: int) -> None:
        (self.app.folder / f"go-on-{loop}").touch()

    def fail_next(self) -> None:
        (self.app.folder / "fail").touch()

    def mend(self) -> None:
        (self.app.folder / "fail").unlink()

    @contextmanager
    def locked_store(self) -> Iterator[None]:
        """Have another program write to the store, without an end."""
        database = self.app.folder / "cache" / "long-jobs" / "jobs.cache.db"
        with closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
            other.execute("ROLLBACK")

    @property
    def animations(self) -> set[str]:
        """The animations of the page."""
        names: list[str] = self.browser.driver.execute_script(
            "return document.getAnimations().map(each => each.animationName)"
        )
        return {name for name in names if name}

    @property
    def button_style(self) -> list[str]:
        """The look of the job's button."""
        style: list[str] = self.browser.driver.execute_script(LOOK)
        return style

    @property
    def width(self) -> int:
        """Pixels of the page, with what is reached by scrolling only."""
        width: int = self.browser.driver.execute_script(
            "return document.documentElement.scrollWidth"
        )
        return width

    def add_style(self, css: str) -> None:
        """Have a style sheet behind all others."""
        self.browser.driver.execute_script(
            "document.head.append(Object.assign(document.createElement('style'), "
            "{textContent: arguments[0]}))",
            css,
        )

    @property
    def read(self) -> str:
        """The job's properties, as a callback has read them last."""
        return self.text("#read")

    @property
    def reads(self) -> list[tuple[float, str]]:
        """When callbacks read the job's properties, and what."""
        lines = (self.app.folder / "reads.log").read_text().splitlines()
        return [(float(line.split()[0]), line.split(maxsplit=1)[1]) for line in lines]

    def reads_of(self, start: str) -> list[float]:
        """When callbacks read what starts like this."""
        return [at for at, text in self.reads if text.startswith(start)]


#: Styles that an app may set for all its buttons.
GLOBAL_BUTTONS = """
    #react-entry-point button {
        min-width: 300px; margin: 30px; border-radius: 30px; background: yellow;
        color: red; text-transform: uppercase; box-shadow: 0 0 9px red;
    }
"""
LOOK = """
    const button = [...document.querySelectorAll('#job button')].pop();
    const style = getComputedStyle(button);
    return ['minWidth', 'margin', 'borderRadius', 'backgroundColor', 'color',
            'textTransform', 'boxShadow'].map(name => style[name]);
"""


@pytest.fixture
def page(browser: Browser, start_app: StartApp) -> ViewsPage:
    return ViewsPage(browser, start_app("tests/browser/apps/long_job.py"))


@pytest.mark.smoke
def test_job_is_shown_from_the_queue_to_its_end(page: ViewsPage) -> None:
    page.look.check("idle")
    page.start()
    assert page.job.bar is not None
    assert page.job.bar.startswith("Running, 30%, 3 of 10")
    assert "Reading" in page.job.text
    page.job.wait_for("step 3")
    page.click("#start-other")
    page.other.wait_for("next in line")
    page.click("#job summary")
    page.look.check("running-and-queued")
    page.tray.toggle()
    page.tray.wait_for("Other work Queued", "Work Running Reading 3 of 10")
    page.look.check("tray")
    until(lambda: page.browser.driver.title.startswith("(2)"), timeout=5)
    page.tray.toggle()
    page.let_go_on()
    page.job.wait_for_status("Done")
    page.other.wait_for_status("Done")
    page.wait_for_text("#out", "run 1")
    page.look.check("done")
    until(lambda: page.browser.driver.title == "Dash", timeout=5)


def test_failed_job_is_retried_with_its_inputs(page: ViewsPage) -> None:
    page.fail_next()
    page.let_go_on()
    page.click("#start")
    page.job.wait_for_status("Failed")
    page.job.wait_for("ValueError: column 3 holds no number")
    page.look.check("failed")
    page.mend()
    page.job.button("Retry").send_keys(Keys.ENTER)
    page.job.wait_for_status("Done")
    page.wait_for_text("#out", "run 1")
    # The button with the focus has gone.
    page.job.wait_for_focus()
    assert not page.job.offers("Retry")
    (entry,) = page.browser.get_logs()
    assert "column 3 holds no number" in entry["message"]


def test_job_that_could_not_be_started_is_retried(page: ViewsPage) -> None:
    page.let_go_on()
    with page.locked_store():
        page.click("#start")
        page.job.wait_for_status("Failed")
        page.job.wait_for("Could not start")
        until(lambda: page.read.startswith("1: failed"), timeout=5)
        page.tray.toggle()
        page.tray.wait_for("Work Failed")
        page.tray.toggle()
        assert page.text("#out") == "-"
    page.job.press("Retry")
    page.job.wait_for_status("Done")
    page.wait_for_text("#out", "run 1")
    until(lambda: page.read.startswith("2: succeeded"), timeout=5)
    (entry,) = page.browser.get_logs()
    assert "long_job.work failed: NotStarted" in entry["message"]


def test_job_is_cancelled_and_started_again_by_callbacks(page: ViewsPage) -> None:
    page.start()
    page.click("#cancel")
    page.job.wait_for_status("Cancelled")
    page.look.check("cancelled")
    until(lambda: page.read.startswith("1: cancelled"), timeout=5)
    page.click("#retry")
    page.wait_until_at_three()
    page.job.press("Cancel")
    page.job.wait_for_status("Cancelled")
    until(lambda: page.read.startswith("2: cancelled"), timeout=5)


def test_app_that_styles_all_buttons_leaves_those_of_the_job_alone(
    page: ViewsPage,
) -> None:
    page.start()
    before = page.button_style
    page.add_style(GLOBAL_BUTTONS)
    assert page.button_style == before


@pytest.mark.parametrize("box", ["flex; flex-wrap: wrap", "table-cell"])
def test_long_line_of_the_log_makes_nothing_wider(page: ViewsPage, box: str) -> None:
    page.start()
    page.job.wait_for("step 3")
    page.add_style(f"main {{ display: {box} }} #job {{ max-width: none !important }}")
    before = page.width
    page.browser.driver.execute_script(
        "document.querySelector('#job summary > span').textContent = 'x'.repeat(999)"
    )
    assert page.width == before


def test_callbacks_read_the_job_once_a_second(page: ViewsPage) -> None:
    page.start()
    until(lambda: len(page.reads_of("running 0.3 ")) >= 4, timeout=20)
    first, *_, last = times = page.reads_of("running 0.3 ")
    # Requests may bunch up on their way.
    assert len(times) <= 2 * (last - first) + 2
    page.let_go_on()
    until(lambda: page.read.startswith("1: succeeded 1"), timeout=20)
    assert page.reads[0][1].startswith("queued None ")


@pytest.mark.smoke
@pytest.mark.unsupported("firefox", reason="it fails requests of a page that goes away")
def test_tray_knows_the_jobs_after_a_reload(page: ViewsPage) -> None:
    page.start()
    page.job.press("Cancel")
    page.job.wait_for_status("Cancelled")
    page.start()
    page.browser.driver.refresh()
    page.wait_until_at_three()
    page.tray.toggle()
    page.tray.wait_for("Work 2 Running", "Work 1 Cancelled")
    page.tray.press("Cancel")
    page.tray.wait_for("Work 2 Cancelled", "Work 1 Cancelled")


@pytest.mark.unsupported("webkit", reason="it takes that from the settings of GTK")
def test_nothing_moves_for_who_asks_for_less_motion(page: ViewsPage) -> None:
    page.start()
    assert page.animations == {"long-job-pulse"}
    page.browser.driver.reduce_motion()
    assert page.animations == set()
    page.job.press("Cancel")
    page.job.wait_for_status("Cancelled")


@pytest.mark.smoke
def test_tray_is_operated_by_keyboard(page: ViewsPage) -> None:
    page.start()
    summary = page.browser.find_element("#tray > summary")
    summary.send_keys(Keys.ENTER)
    page.tray.wait_for("Work Running")
    summary.send_keys(Keys.TAB)
    page.browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    page.tray.wait_for("Work Cancelled")
    page.browser.find_element("body").send_keys(Keys.ESCAPE)
    until(lambda: page.tray.items == [], timeout=5)
    assert page.browser.driver.switch_to.active_element == summary


def test_open_tray_fits_a_phone(page: ViewsPage) -> None:
    page.browser.driver.set_window_size(390, 800)
    page.add_style("#tray { margin-left: 200px }")
    page.tray.toggle()
    page.element(".long-job-panel")
    left, right, width = page.browser.driver.execute_script(
        "const {left, right} = document.querySelector('.long-job-panel')"
        ".getBoundingClientRect();"
        "return [left, right, document.documentElement.clientWidth]"
    )
    assert 0 <= left < right <= width


def test_bar_of_the_next_loop_is_short_at_once(page: ViewsPage) -> None:
    """A bar that shrinks would look like lost work."""
    bar = "#two .long-job-loop .long-job-bar > div"
    page.click("#start-two")
    page.two.wait_for("3 of 4")
    page.record(bar, "element.style.width + ' ' + element.style.transition")
    page.let_loop_go_on(0)
    page.two.wait_for("1 of 4")
    assert "25% none" in page.recorded(bar)
    page.let_loop_go_on(1)
    page.wait_for_text("#out-two", "run 1")
