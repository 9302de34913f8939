"""A browser whose log must be empty when a test ends, and a server in the process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import dash
import pytest
from dash.testing.browser import Browser
from werkzeug.serving import make_server

from tests.browser.drivers.chromium import Chromium
from tests.browser.drivers.firefox import Firefox
from tests.browser.drivers.webkit import WebKit
from tests.browser.guarded_site import Site
from tests.integration import brokers
from tests.ports import free_port

DRIVERS: dict[str, type[Chromium | Firefox | WebKit]] = {
    "chromium": Chromium,
    "firefox": Firefox,
    "webkit": WebKit,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test in Chromium, and in the others if it is a smoke test."""
    if not {"dash_br", "dash_duo"} & set(metafunc.fixturenames):
        return
    test = metafunc.definition
    names = metafunc.config.getoption("browser") or (
        DRIVERS if test.get_closest_marker("smoke") else ["chromium"]
    )
    skips = {
        mark.args[0]: [pytest.mark.skip(reason=mark.kwargs["reason"])]
        for mark in test.iter_markers("unsupported")
    }
    metafunc.parametrize(
        "browser_name",
        [pytest.param(name, marks=skips.get(name, [])) for name in names],
        # The usual case needs no name.
        ids=[pytest.HIDDEN_PARAM if name == "chromium" else name for name in names],
    )


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave the jobs on Celery to Chromium: all jobs are the same to a page."""
    dropped = [
        item
        for item in items
        if isinstance(item, pytest.Function)
        and hasattr(item, "callspec")
        and item.callspec.params.get("browser_name", "chromium") != "chromium"
        and "celery" in item.callspec.params.values()
    ]
    items[:] = [item for item in items if item not in dropped]
    config.hook.pytest_deselected(items=dropped)


@pytest.fixture
def browser_name() -> str:
    return "chromium"


@pytest.fixture(autouse=True)
def _driver(browser_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the fixtures of Dash drive the browser of the test."""
    driver = DRIVERS[browser_name]
    if not driver.is_installed():
        if os.environ.get("CI"):
            pytest.fail(f"{browser_name} is not there.")
        pytest.skip(f"{browser_name} is not there.")
    monkeypatch.setattr(Browser, "get_webdriver", lambda _: driver())


@pytest.fixture
def dash_br(dash_br: Browser) -> Browser:
    """A browser that looks once: it would look for seconds for what has gone."""
    dash_br.driver.implicitly_wait(0)
    return dash_br


@pytest.fixture
def browser(start_app: object, serve: object, dash_br: Browser) -> Iterator[Browser]:
    """A browser whose log is read while the servers of the test are still there."""
    yield dash_br
    assert dash_br.get_logs() == []


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[brokers.Redis]:
    with brokers.redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@contextmanager
def served(app: dash.Dash) -> Iterator[str]:
    """Serve an app from a thread; gives its URL."""
    server = make_server("127.0.0.1", 0, app.server, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[dash.Dash], str]]:
    """Serve apps from this process until the test ends.

    The one of dash_duo would be ended by raising SystemExit in every thread that is
    younger, which fails when one of them ends before it gets there.
    """
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(served(app))


@pytest.fixture
def site() -> Iterator[Site]:
    """An app whose polls a guard may refuse."""
    site = Site()
    yield site
    site.close()


class Runner:
    """A server for ``dash_duo``, which ends with the test as that of ``serve``."""

    def __init__(self, serve: Callable[[dash.Dash], str]) -> None:
        self._serve = serve
        self.url = ""

    def __call__(self, app: dash.Dash) -> None:
        self.url = self._serve(app)


@pytest.fixture
def dash_thread_server(serve: Callable[[dash.Dash], str]) -> Runner:
    return Runner(serve)


@pytest.fixture(scope="session", autouse=True)
def _ports_of_drivers() -> Iterator[None]:
    """Have Selenium start its drivers on ports that no other process takes."""
    with mock.patch("selenium.webdriver.common.utils.free_port", free_port):
        yield
