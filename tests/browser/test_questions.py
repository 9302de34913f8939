"""A job asks on its page, and a person answers there, or in the tray."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from dash.testing.browser import Browser
from selenium.webdriver.common.keys import Keys

from tests.browser.long_job_pages import JobPart, Look, TrayPart
from tests.browser.pages import Page
from tests.conftest import ROOT
from tests.integration.deployment import Setting, working
from tests.integration.servers import Server, command, serving
from tests.waiting import until

APPS = ROOT / "tests/browser/apps"
FORM = "#job .long-job-question"


@pytest.fixture(params=["diskcache", "celery"])
def server(
    request: pytest.FixtureRequest, tmp_path: Path, browser_name: str
) -> Iterator[Server]:
    setting = Setting()
    if request.param == "celery":
        redis = request.getfixturevalue("redis")
        setting = Setting.celery(redis.database(), redis.database())
    environment = ["env", f"FOLDER={tmp_path}"]
    web = command(str(APPS / "questions.py"), **setting.manager)
    with ExitStack() as stack:
        (tmp_path / "web").mkdir()
        server = stack.enter_context(serving([*environment, *web], tmp_path / "web"))
        if setting.has_workers:
            worker = setting.worker(app="questions:celery_app", path=APPS)
            stack.enter_context(working([*environment, *worker], tmp_path / "worker"))
        yield server


def test_person_answers_after_a_restart_and_in_the_tray(
    server: Server, dash_br: Browser
) -> None:
    page = Page(dash_br, server.url)
    job, tray = JobPart(page, "job"), TrayPart(page)
    page.click("#run")
    job.wait_for_status("Waits for an answer")
    page.wait_for_text(f"{FORM} .long-job-message", "Overwrite 3 files?")
    # The form does not take the focus from what the person is at.
    page.wait_for_focus("run")

    server.terminate()
    server.start()
    dash_br.driver.refresh()
    page.click(f"{FORM} button:nth-of-type(1)")
    page.wait_for_text(f"{FORM} .long-job-message", "What is the name of the copy?")

    tray.toggle()
    field = page.element("#tray .long-job-question input")
    Look(dash_br).check("questions")
    assert field.get_attribute("value") == "backup"
    field.send_keys("-2", Keys.ENTER)
    # No one answers the last question.
    page.wait_for_text("#out", "yes, backup-2, no")
    job.wait_for_status("Done")
    until(lambda: not dash_br.find_elements(".long-job-question"), timeout=20)
