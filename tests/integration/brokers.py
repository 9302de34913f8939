"""Redis, RabbitMQ and memcached: real servers on free ports of the loopback."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
import redis as client

from tests.conftest import AppProcess
from tests.ports import free_port

#: Debian's script that any user may start.
_RABBITMQ = shutil.which("rabbitmq-server", path="/usr/lib/rabbitmq/bin")


class Broker(AppProcess):
    """A server for messages or results."""

    host = "127.0.0.1"

    def _answers(self) -> bool:
        assert self._server is not None
        if self._server.poll() is not None:
            pytest.fail(f"{self.command} ended at its start:\n{self.log}")
        try:
            socket.create_connection((self.host, self.port), 1).close()
        except OSError:
            return False
        return True

    def close(self) -> None:
        # Redis overwrites its environment with its title, and so our mark.
        if self._server is not None:
            self._server.kill()
        super().close()


B = TypeVar("B", bound=Broker)


class Redis(Broker):
    """A ``redis-server`` that keeps its data over a restart."""

    #: Enough for all tests of a process, each with several deployments.
    DATABASES = 1024

    def __init__(self, folder: Path, host: str, prefix: Sequence[str]) -> None:
        self.host = host
        port = free_port()
        command = [
            *(*prefix, "redis-server", "--bind", host, "--port", str(port)),
            *("--dir", str(folder), "--appendonly", "yes", "--appendfsync", "always"),
            *("--databases", str(self.DATABASES), "--protected-mode", "no"),
        ]
        super().__init__(command, folder, port)
        self._databases = iter(range(self.DATABASES))

    def _answers(self) -> bool:
        # While it loads its data, it takes connections but answers no command.
        with closing(client.Redis(self.host, self.port)) as connection:
            try:
                return super()._answers() and bool(connection.ping())
            except (client.ConnectionError, client.TimeoutError):
                return False

    def database(self) -> str:
        """Return the URL of an unused database."""
        return f"redis://{self.host}:{self.port}/{next(self._databases)}"


class RabbitMQ(Broker):
    """A ``rabbitmq-server`` with a port mapper of its own.

    Args:
        folder: for its data.
        consumer_timeout: seconds after which it closes the channel of a consumer with
            an old message; None for its default.
    """

    def __init__(self, folder: Path, consumer_timeout: int | None = None) -> None:
        port, distribution, mapper = free_port(), free_port(), free_port()
        (folder / "plugins").write_text("[].")
        (folder / "advanced.config").write_text(_advanced(consumer_timeout))
        settings = {
            "HOME": folder,  # for the cookie
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": mapper,
            "RABBITMQ_ADVANCED_CONFIG_FILE": folder / "advanced.config",
            "RABBITMQ_CONF_ENV_FILE": os.devnull,
            "RABBITMQ_DIST_PORT": distribution,
            "RABBITMQ_ENABLED_PLUGINS_FILE": folder / "plugins",
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_MNESIA_BASE": folder / "mnesia",
            "RABBITMQ_NODENAME": f"dash-long-{port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": port,
            "RABBITMQ_PID_FILE": folder / "pid",
        }
        environment = [f"{name}={value}" for name, value in settings.items()]
        super().__init__(["env", *environment, str(_RABBITMQ)], folder, port)

    def virtual_host(self) -> str:
        """Return the URL of its one virtual host."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"


def _advanced(consumer_timeout: int | None) -> str:
    """Return RabbitMQ's advanced configuration."""
    if consumer_timeout is None:
        return "[]."
    # It looks once a minute by default.
    times = {"consumer_timeout": 1000 * consumer_timeout, "channel_tick_interval": 1000}
    options = ", ".join(f"{{{name}, {time}}}" for name, time in times.items())
    return f"[{{rabbit, [{options}]}}]."


class Memcached(Broker):
    """A ``memcached`` with room for a large result: it drops what has no room."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        command = [
            *("memcached", "--listen", self.host, "--port", str(port)),
            *("--user", getpass.getuser(), "--memory-limit", "256"),
        ]
        super().__init__(command, folder, port)

    def backend(self) -> str:
        """Return its URL as a result backend."""
        return f"cache+memcached://{self.host}:{self.port}/"


@contextmanager
def redis(
    folder: Path, host: str = Broker.host, prefix: Sequence[str] = ()
) -> Iterator[Redis]:
    """Run a Redis that keeps its data in a folder.

    Args:
        folder: for its data.
        host: its address.
        prefix: of its command line.
    """
    require("redis-server", shutil.which("redis-server"))
    with _running(Redis(folder, host, prefix)) as server:
        yield server


@contextmanager
def rabbitmq(folder: Path, **options: int) -> Iterator[RabbitMQ]:
    """Run a RabbitMQ that keeps its data in a folder.

    Args:
        folder: for its data.
        options: of ``RabbitMQ``.
    """
    require("rabbitmq-server", _RABBITMQ)
    with _running(RabbitMQ(folder, **options)) as server:
        yield server


@contextmanager
def memcached(folder: Path) -> Iterator[Memcached]:
    """Run a memcached."""
    require("memcached", shutil.which("memcached"))
    with _running(Memcached(folder)) as server:
        yield server


@contextmanager
def _running(server: B) -> Iterator[B]:
    try:
        server.start()
        yield server
    finally:
        server.close()


def require(package: str, found: str | None) -> None:
    """Skip a test whose server is not installed; fail it in CI."""
    if found is None:
        reason = f"install Debian's package {package}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
