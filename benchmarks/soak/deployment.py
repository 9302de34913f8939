"""The deployment under test: web server, workers, brokers, and the network between."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import celery
import diskcache
import psutil

from dash_long_components import (
    CeleryLongCallbackManager,
    DiskcacheLongCallbackManager,
    LongCallbackManager,
)
from tests.conftest import AppProcess
from tests.integration import brokers
from tests.integration.brokers import Broker, RabbitMQ, Redis
from tests.integration.deployment import Setting
from tests.integration.servers import gunicorn, is_dispatcher
from tests.ports import free_port
from tests.tcp_proxy import Proxy

MANAGERS = ("diskcache", "redis", "rabbitmq")

WEB_PROCESSES = 2

#: Workers of Celery, and jobs that each runs at once; on Diskcache their product.
WORKERS, PLACES = 2, 2

#: Seconds: Celery's lease and ``worker_lost_wait``.
LEASE, LOST_WAIT = 2.0, 0.5

#: Seconds for which records are kept. On Diskcache the soak waits for their end. On
#: Celery a job that hangs would expire too, and look as if it had been forgotten.
RESULT_TTL, RESULT_EXPIRES = 60.0, 3600

#: Seconds that a broker may take to start again on a busy machine.
BROKER_START = 120.0

#: Redis's database of records. That of messages is 0.
RECORDS = 1

#: Celery's default queue.
QUEUE = "celery"


class Service(AppProcess):
    """A server that is started again whenever it ends, as systemd would do it.

    Args:
        name: for the ledger.
        command: with ``{port}`` where the port goes.
        folder: of its own.
        port: 0 if it listens at none.
    """

    def __init__(self, name: str, command: list[str], folder: Path, port: int) -> None:
        folder.mkdir()
        super().__init__([part.format(port=port) for part in command], folder, port)
        self.name = name
        self.starts = 0

    def _answers(self) -> bool:
        return True  # no start waits for it: others go on meanwhile

    def start(self) -> None:
        super().start()
        self.starts += 1

    def keep(self) -> None:
        """Start it again if it has ended."""
        if self._server is not None and self._server.poll() is not None:
            self.start()

    def main(self) -> psutil.Process:
        """Return its main process.

        Raises:
            psutil.NoSuchProcess: it has ended, and is not started again yet.
        """
        return psutil.Process(self.pid)

    def children(self) -> list[psutil.Process]:
        """Return what its main process has started, dispatchers left out."""
        with suppress(psutil.Error):
            return [p for p in self.main().children() if not is_dispatcher(p)]
        return []


class Deployment:
    """All processes of one manager.

    Attributes:
        manager: its name.
        web: gunicorn.
        workers: Celery's; none on Diskcache.
        brokers: Redis and RabbitMQ.
        proxies: between those and these, one for each side and server.

    Args:
        manager: one of ``MANAGERS``.
        folder: for all its files.
    """

    def __init__(self, manager: str, folder: Path) -> None:
        self.manager = manager
        self.folder = folder
        self.brokers: list[Broker] = []
        self.proxies: list[Proxy] = []
        self.workers: list[Service] = []
        self._stack = ExitStack()
        self._stopped = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._start_brokers()
        self.web = self._make_web()
        if self.brokers:
            self._make_workers()

    @property
    def is_celery(self) -> bool:
        return self.manager != "diskcache"

    @property
    def services(self) -> list[Service]:
        return [self.web, *self.workers]

    @property
    def url(self) -> str:
        return self.web.url

    def start(self) -> None:
        for service in self.services:
            service.start()
        self._keeper.start()

    def stop(self) -> None:
        """End web server and workers in good order, as at the end of a day."""
        self._stopped.set()
        self._keeper.join()
        for service in self.services:
            with suppress(psutil.Error):
                service.main().terminate()

    def close(self) -> None:
        """End all that is left, and all around it."""
        self._stopped.set()
        for service in self.services:
            service.close()
        self._stack.close()

    def processes(self) -> list[psutil.Process]:
        """Return all processes that come from web server and workers."""
        return [process for service in self.services for process in service.processes()]

    def dispatchers(self) -> list[psutil.Process]:
        return [p for p in self.web.processes() if is_dispatcher(p)]

    def redis(self) -> Redis:
        """Return the server that keeps the jobs of Celery.

        Raises:
            LookupError: there is none.
        """
        for broker in self.brokers:
            if isinstance(broker, Redis):
                return broker
        raise LookupError(f"{self.manager} has no Redis.")

    @contextmanager
    def operator(self) -> Iterator[LongCallbackManager]:
        """Yield the manager of a process beside the app, as an operator has it."""
        if self.is_celery:
            app = celery.Celery("operator")
            records = _url(self.brokers[0], self.brokers[0].port, RECORDS)
            app.conf.update(broker_url=self.broker_url(), result_backend=records)
            yield CeleryLongCallbackManager(app)
            return
        with diskcache.Cache(str(self.web.folder / "cache")) as cache:
            manager = DiskcacheLongCallbackManager(cache)
            yield manager
            manager.close()

    def broker_url(self) -> str:
        """Return where messages are, past the proxies."""
        broker = self.brokers[-1]
        return _url(broker, broker.port, 0)

    def _start_brokers(self) -> None:
        """Start where records are, first, and where messages are, last."""
        if self.is_celery:
            redis = brokers.redis(self._folder("redis"))
            self.brokers.append(self._stack.enter_context(redis))
        if self.manager == "rabbitmq":
            rabbitmq = brokers.rabbitmq(self._folder("rabbitmq"))
            self.brokers.append(self._stack.enter_context(rabbitmq))
        for broker in self.brokers:
            broker.start_timeout = BROKER_START

    def _make_web(self) -> Service:
        command = gunicorn(
            WEB_PROCESSES, "soak_app:server", **self._settings("web").manager
        )
        # The workers of a killed master hold the port for some seconds.
        command.append("--reuse-port")
        return Service("web", command, self.folder / "web", free_port())

    def _make_workers(self) -> None:
        setting = self._settings("workers")
        for number in range(WORKERS):
            name = f"worker-{number}"
            options = ("-c", str(PLACES), "-n", f"{name}@soak")
            command = setting.worker(*options, app="soak_app:celery_app")
            # Braces are for the port.
            command = [part.replace("{", "{{").replace("}", "}}") for part in command]
            self.workers.append(Service(name, command, self.folder / name, 0))

    def _settings(self, side: str) -> Setting:
        """Return the settings of web server or workers: each has proxies of its own."""
        ledger = {"ledger": str(self.folder / "ledger")}
        if not self.brokers:
            settings: dict[str, Any] = {
                "max_concurrency": WORKERS * PLACES,
                "result_ttl": RESULT_TTL,
            }
            return Setting({**settings, **ledger})
        ports = {}
        for broker in self.brokers:
            name = f"{side} to {type(broker).__name__}"
            proxy = Proxy(name, broker.port)
            self._stack.callback(proxy.close)
            self.proxies.append(proxy)
            ports[broker] = proxy.port
        messages, records = self.brokers[-1], self.brokers[0]
        setting = Setting.celery(
            _url(messages, ports[messages], 0),
            _url(records, ports[records], RECORDS),
            LEASE,
            worker_lost_wait=LOST_WAIT,
            worker_prefetch_multiplier=1,
            broker_connection_retry_on_startup=True,
            result_expires=RESULT_EXPIRES,
        )
        return Setting({**setting.manager, **ledger})

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def _keep(self) -> None:
        while not self._stopped.wait(0.25):
            for service in self.services:
                service.keep()


def _url(broker: Broker, port: int, database: int) -> str:
    if isinstance(broker, RabbitMQ):
        return f"amqp://guest:guest@127.0.0.1:{port}//"
    return f"redis://127.0.0.1:{port}/{database}"


@contextmanager
def deployed(manager: str, folder: Path) -> Iterator[Deployment]:
    """Start a deployment; in the end all of it goes."""
    deployment = Deployment(manager, folder)
    try:
        deployment.start()
        wait_until_reachable(deployment.url, 60)
        yield deployment
    finally:
        deployment.close()


def wait_until_reachable(url: str, seconds: float) -> None:
    """Wait until a server answers.

    Raises:
        TimeoutError: it does not.
    """
    from tests.integration.page import Page

    until = time.monotonic() + seconds
    while True:
        try:
            Page(url).load()
            return
        except OSError:
            if time.monotonic() > until:
                raise TimeoutError(f"{url} did not answer in {seconds} s.") from None
            time.sleep(0.1)
