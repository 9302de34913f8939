"""Servers: one for all tests of a module, or one for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path

import diskcache
import psutil
import pytest
from dash import html

import dash_long_components as dlc
from tests.integration import brokers
from tests.integration.page import TIMEOUT, Page
from tests.integration.servers import Server, command, gunicorn, is_alive, serving
from tests.waiting import until


@pytest.fixture(scope="module", params=["python", "gunicorn"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server that all tests of a module share, started in both usual ways."""
    how = command if request.param == "python" else partial(gunicorn, 2)
    with serving(
        how(max_concurrency=2), tmp_path_factory.mktemp(request.param)
    ) as server:
        # Any test may run first.
        server.wait_until_ready()
        yield server


@pytest.fixture
def page(server: Server) -> Page:
    return server.page()


Serve = Callable[..., Server]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start servers, which end with the test: ``serve(command())``."""
    with ExitStack() as stack:
        count = 0

        def start(
            command: list[str], folder: Path | None = None, port: int | None = None
        ) -> Server:
            nonlocal count
            count += 1
            if folder is None:
                folder = tmp_path / f"server-{count}"
                folder.mkdir()
            context: AbstractContextManager[Server] = serving(command, folder, port)
            return stack.enter_context(context)

        yield start


@pytest.fixture
def app(tmp_path: Path) -> Iterator[dlc.Dash]:
    """An app of this process, whose jobs run on Diskcache."""
    with diskcache.Cache(str(tmp_path)) as cache:
        manager = dlc.DiskcacheLongCallbackManager(cache)
        app = dlc.Dash(__name__, long_callback_manager=manager)
        app.layout = html.Div()
        before = set(psutil.Process().children())
        yield app
        started = set(psutil.Process().children()) - before
        # Jobs would go on after that. All have ended.
        manager.close()
        until(lambda: not any(is_alive(p.pid) for p in started), TIMEOUT)


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[brokers.Redis]:
    """A Redis that no test stops."""
    with brokers.redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[brokers.RabbitMQ]:
    """A RabbitMQ that no test stops."""
    with brokers.rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as server:
        yield server


@pytest.fixture(scope="session")
def memcached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[brokers.Memcached]:
    """A memcached that no test stops."""
    with brokers.memcached(tmp_path_factory.mktemp("memcached")) as server:
        yield server
