"""An app as it is deployed: web processes, and workers where the manager has any."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests import backends
from tests.integration.page import Answer, Page
from tests.integration.servers import (
    APPS,
    Server,
    command,
    gunicorn,
    serving,
    with_settings,
)
from tests.ports import free_port

#: Seconds that Celery waits for news of a pool process that died.
WORKER_LOST_WAIT = 0.5


@dataclass(frozen=True)
class Setting:
    """The arguments of the manager of a deployment.

    Attributes:
        manager: its arguments; those of Celery among them make it the Celery manager.
        backend: name of the web framework.
    """

    manager: dict[str, Any] = field(default_factory=dict)
    backend: str = "flask"

    @classmethod
    def celery(
        cls, broker: str, backend: str, lease: float = 10.0, **conf: Any
    ) -> Setting:
        settings = {
            "broker_url": broker,
            "result_backend": backend,
            "worker_lost_wait": WORKER_LOST_WAIT,
            **conf,
        }
        return cls({"lease": lease, "celery": settings})

    @property
    def has_workers(self) -> bool:
        return "celery" in self.manager

    def web(self) -> list[str]:
        if self.backend == "flask":
            return command(**self.manager)
        server = backends.command(self.backend, "tasks_app:server", APPS)
        return with_settings(server, **self.manager)

    def gunicorn(self, workers: int) -> list[str]:
        return gunicorn(workers, **self.manager)

    def worker(
        self, *options: str, app: str = "tasks_app:celery_app", path: Path = APPS
    ) -> list[str]:
        """Return how to start a worker on an app that is found in ``path``."""
        paths = os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])
        return [
            *("env", f"SETTINGS={json.dumps(self.manager)}", f"PYTHONPATH={paths}"),
            *(sys.executable, "-m", "celery", "-A", app, "worker", "-l", "INFO"),
            *("--without-gossip", "--without-mingle", *(options or ["-c", "2"])),
        ]


class Worker(Server):
    """A ``celery worker``. It has no port; its log says when it is ready."""

    def __init__(self, command: list[str], folder: Path) -> None:
        super().__init__(command, folder, 0)

    def _answers(self) -> bool:
        assert self._server is not None
        if self._server.poll() is not None:
            pytest.fail(f"{self.command} ended at its start:\n{self.log}")
        return " ready." in self.log

    def main(self) -> psutil.Process:
        """Return the main process, the parent of the pool's processes."""
        return psutil.Process(self.pid)

    @contextmanager
    def supervised(self) -> Iterator[Worker]:
        """Start the worker again whenever it ends, as systemd and containers do.

        Celery 5.7.0 may end it when the broker comes back: "Unrecoverable error:
        AttributeError", of messages that are not acknowledged, or "ValueError: file
        descriptor is None", of a process that has just been killed.
        """
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.wait(0.1):
                if self._server is not None and self._server.poll() is not None:
                    self.start()

        with ThreadPoolExecutor(1) as threads:
            watching = threads.submit(watch)
            try:
                yield self
            finally:
                is_over.set()
                watching.result()


@dataclass
class Deployment:
    """A web server with the workers that run its jobs."""

    setting: Setting
    web: Server
    workers: list[Worker]

    def page(self, cookie: str = "") -> Page:
        return self.web.page(cookie)

    def kill_main(self) -> None:
        """Kill the process that starts those of jobs. Start a worker again.

        A dispatcher starts again at the next poll.
        """
        for worker in self.workers[:1]:
            worker.kill()
            worker.start()
        if not self.workers:
            for dispatcher in self.web.dispatchers():
                dispatcher.kill()

    def log(self) -> str:
        return "".join(server.log for server in (self.web, *self.workers))


@contextmanager
def working(command: list[str], folder: Path) -> Iterator[Worker]:
    """Run a worker; kill it and its descendants in the end."""
    folder.mkdir(exist_ok=True)
    worker = Worker(command, folder)
    try:
        worker.start()
        yield worker
    finally:
        worker.close()


@contextmanager
def deployed(
    setting: Setting, folder: Path, workers: int = 1, *options: str
) -> Iterator[Deployment]:
    """Start a web server and its workers, each in a folder of its own."""
    (folder / "web").mkdir()
    with ExitStack() as stack:
        web = stack.enter_context(serving(setting.web(), folder / "web", free_port()))
        names = [f"worker-{n}" for n in range(workers if setting.has_workers else 0)]
        started = [
            stack.enter_context(
                working(
                    [*setting.worker(*options), "-n", f"{name}@test"], folder / name
                )
            )
            for name in names
        ]
        yield Deployment(setting, web, started)


class StampedPage(Page):
    """A page that numbers its triggers, as the engine does."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__(url)
        self._name = name
        self._seq = 0

    def post(self, path: str, body: Any) -> Answer:
        if path == "_dash-update-component":
            self._seq += 1
            body = {**body, "longJob": {"page": self._name, "seq": self._seq}}
        return super().post(path, body)


def path(folder: Path, name: str) -> str:
    """Return a name for a job's files that web and worker read alike."""
    return str(folder / name)
