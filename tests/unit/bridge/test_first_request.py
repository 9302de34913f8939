"""Requests that arrive while the first one sets an app up."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from unittest import mock

import dash
import flask
import pytest
from dash import Input, Output, _callback, html
from werkzeug.test import TestResponse

import dash_long_components
from dash_long_components.bridge import first_request
from dash_long_components.testing import MemoryLongCallbackManager

SCRIPT = "_dash-component-suites/dash/dash-renderer/build/dash_renderer.min.js"

CALL = {
    "output": "out.children",
    "outputs": {"id": "out", "property": "children"},
    "inputs": [{"id": "button", "property": "n_clicks", "value": 1}],
    "changedPropIds": ["button.n_clicks"],
}


class Site:
    """An app whose layout takes as long as a test wants."""

    def __init__(self, prefix: str = "/", *, plain: bool = False) -> None:
        self.prefix = prefix
        #: The layout raises them, one at a time.
        self.errors: list[Exception] = []
        #: What the layout requests of its own server, and the answers.
        self.path: str | None = None
        self.inner: list[int] = []
        self.is_setting_up = threading.Event()
        self.may_go_on = threading.Event()
        self._threads = ThreadPoolExecutor()
        manager = MemoryLongCallbackManager()
        server = flask.Flask(__name__)
        server.add_url_rule("/api", view_func=lambda: "data")
        options: dict[str, Any] = {"server": server, "url_base_pathname": prefix}
        if plain:
            self.app = dash.Dash(**options)
            manager.init_app(self.app)
        else:
            self.app = dash_long_components.Dash(
                long_callback_manager=manager, **options
            )
        # Dash calls it now, too.
        self.may_go_on.set()
        self.app.layout = self._layout
        self.may_go_on.clear()
        self.is_setting_up.clear()

        @dash.callback(Output("out", "children"), Input("button", "n_clicks"))
        def show(clicks: int) -> str:
            return f"{clicks} clicks"

    def _layout(self) -> html.Div:
        self.is_setting_up.set()
        assert self.may_go_on.wait(10)
        if self.errors:
            raise self.errors.pop()
        if self.path is not None:
            client = self.app.server.test_client()
            self.inner.append(client.get(self.prefix + self.path).status_code)
        return html.Div([html.Button(id="button"), html.P(id="out")])

    def get(self, path: str) -> Future[TestResponse]:
        client = self.app.server.test_client()
        return self._threads.submit(client.get, self.prefix + path)

    def click(self) -> Future[TestResponse]:
        client = self.app.server.test_client()
        path = f"{self.prefix}_dash-update-component"
        return self._threads.submit(client.post, path, json=CALL)

    def close(self) -> None:
        self.may_go_on.set()
        self._threads.shutdown()
        # The next app would get what Dash could not set up.
        _callback.GLOBAL_CALLBACK_LIST.clear()
        _callback.GLOBAL_CALLBACK_MAP.clear()


@pytest.fixture(params=["/", "/below/"])
def prefix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[False, True], ids=["ours", "plain"])
def site(prefix: str, request: pytest.FixtureRequest) -> Iterator[Site]:
    site = Site(prefix, plain=request.param)
    yield site
    site.close()


def test_scripts_and_callbacks_wait_for_the_first_request(site: Site) -> None:
    first = site.get("")
    assert site.is_setting_up.wait(10)
    others = [site.get(SCRIPT), site.click(), site.get("_dash-dependencies")]
    for other in others:
        # Before Python 3.11 it is another class than the builtin.
        with pytest.raises(concurrent.futures.TimeoutError):
            other.result(timeout=0.2)
    site.may_go_on.set()
    script, click, _ = [other.result(timeout=10) for other in others]
    assert first.result(timeout=10).status_code == 200
    assert script.status_code == 200
    assert click.get_json()["response"]["out"]["children"] == "1 clicks"


def test_request_that_the_layout_sends_does_not_wait(site: Site) -> None:
    site.get("")
    assert site.is_setting_up.wait(10)
    client = site.app.server.test_client()
    assert client.get("/api").text == "data"
    health = client.get(f"{site.prefix}_dash-long-jobs/health")
    assert health.status_code in (200, 503)


def test_request_in_the_thread_of_the_first_one_does_not_wait(site: Site) -> None:
    site.path = "_dash-dependencies"
    site.may_go_on.set()
    assert site.get("").result(timeout=10).status_code == 200
    assert site.inner == [200]


def test_request_over_http_by_the_layout_does_not_wait_for_ever(site: Site) -> None:
    with mock.patch.object(first_request, "LONGEST_WAIT", 0.1):
        first = site.get("")
        assert site.is_setting_up.wait(10)
        assert site.get("_dash-dependencies").result(timeout=10).status_code == 200
    site.may_go_on.set()
    assert first.result(timeout=10).status_code == 200


def test_no_request_waits_after_a_layout_that_raises(site: Site) -> None:
    first = site.get("")
    assert site.is_setting_up.wait(10)
    other = site.get("_dash-dependencies")
    site.errors.append(ValueError("No database."))
    site.may_go_on.set()
    assert first.result(timeout=10).status_code == 500
    assert other.result(timeout=10).status_code == 200


@pytest.mark.skipif(
    not hasattr(dash.Dash(__name__), "_setup_server_lock"),
    reason="After an error, Dash never sets an app up before 4.5.",
)
def test_app_is_set_up_after_a_layout_that_raised_once(site: Site) -> None:
    site.errors.append(ValueError("No database."))
    site.may_go_on.set()
    assert site.get("").result(timeout=10).status_code == 500
    answer = site.click().result(timeout=10)
    assert answer.get_json()["response"]["out"]["children"] == "1 clicks"
