"""A browser whose log must be empty when a test ends, and a server in the process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import dash
import pytest
from dash.testing.browser import Browser
from werkzeug.serving import make_server

from tests.browser.guarded_site import Site
from tests.integration import brokers
from tests.ports import free_port


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
