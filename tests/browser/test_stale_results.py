"""A page shows an old result at once, says so, and then shows the new one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import dash
import pytest
from dash import Input, Output, dcc, html
from dash.testing.browser import Browser

import dash_long_components as dlc
from dash_long_components.testing import MemoryLongCallbackManager
from tests.browser.long_job_pages import JobPart, Look
from tests.browser.pages import Page
from tests.waiting import until

#: The result, and whether its job hides it.
STATE = "`${element.textContent} ${element.style.visibility || 'visible'}`"


class Site:
    """An app whose results are stale at once. A test lets its jobs go on."""

    def __init__(self) -> None:
        self.manager = MemoryLongCallbackManager(
            cache_by=[], expire=1e-6, stale_for=3600
        )
        self.app = dlc.Dash(__name__, long_callback_manager=self.manager)
        self.app.layout = html.Div(
            [
                html.Button("Run", id="run"),
                dcc.Loading(html.P(id="out")),
                dlc.LongJob(id="job"),
                html.P(id="age"),
            ]
        )
        self.runs = 0
        self.fails = False
        self.go_on = threading.Event()
        self.app.long_callback(
            Output("out", "children"),
            Input("run", "n_clicks"),
            job="job",
            running=[
                (Output("out", "style"), {"visibility": "hidden"}, {}),
            ],
            cache_args_to_ignore=0,
        )(self.work)
        self.app.callback(Output("age", "children"), Input("job", "stale"))(
            lambda age: "new" if age is None else "old"
        )

    def work(self, _clicks: Any) -> str:
        self.runs += 1
        assert self.go_on.wait(60)
        self.go_on.clear()
        if self.fails:
            raise ValueError("no data today")
        return f"run {self.runs}"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.go_on.set()
    site.manager.close()


def test_old_result_shows_while_it_is_refreshed_and_after_a_failure(
    site: Site, serve: Callable[[dash.Dash], str], dash_br: Browser
) -> None:
    page = Page(dash_br, serve(site.app))
    job = JobPart(page, "job")
    site.go_on.set()
    page.wait_for_text("#out", "run 1")
    page.wait_for_text("#age", "new")
    page.record("#out", STATE)
    page.click("#run")
    job.wait_for("ago, refreshing")
    page.wait_for_text("#age", "old")
    # As long as the request took, Dash itself has hidden it.
    until(lambda: page.is_visible("#out"), timeout=20)
    assert page.recorded("#out") == ["run 1 visible"]
    Look(dash_br).check("stale")
    # The page that is loaded asks again, and joins the same job.
    dash_br.driver.refresh()
    page.wait_for_text("#out", "run 1")
    job.wait_for("ago, refreshing")
    page.record("#out", STATE)
    site.go_on.set()
    page.wait_for_text("#out", "run 2")
    job.wait_for_status("Done")
    page.wait_for_text("#age", "new")
    assert "ago" not in job.text
    assert page.recorded("#out") == ["run 1 visible", "run 2 visible"]
    site.fails = True
    page.click("#run")
    site.go_on.set()
    job.wait_for_status("Failed")
    job.wait_for("ago, not refreshed")
    job.wait_for("no data today")
    assert page.recorded("#out") == ["run 1 visible", "run 2 visible"]
    assert site.runs == 3
