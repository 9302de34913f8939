"""The contenders under gunicorn or uvicorn, with workers and a Redis for Celery."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.conftest import ROOT, AppProcess
from tests.integration.brokers import Broker
from tests.integration.deployment import Worker
from tests.ports import free_port

from .machine import cpu_seconds

WORKERS, THREADS = 2, 4


class Redis(Broker):
    """A Redis that keeps everything in memory: no disk is measured."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        command = ["redis-server", "--port", str(port), "--bind", self.host]
        command += ["--save", "", "--databases", "64"]
        super().__init__(command, folder, port)
        self._databases = iter(range(64))

    def database(self) -> str:
        return f"redis://{self.host}:{self.port}/{next(self._databases)}"


@dataclass(frozen=True)
class Kind:
    """The callbacks of a contender on a manager."""

    contender: str
    manager: str

    @property
    def is_ours(self) -> bool:
        return self.contender == "ours"

    def __str__(self) -> str:
        return f"{self.contender}, {self.manager}"


KINDS = [
    Kind(contender, manager)
    for manager in ("diskcache", "celery")
    for contender in ("ours", "native")
]


@dataclass(eq=False)
class Deployment:
    """One contender that serves.

    Attributes:
        kind: which one.
        web: its gunicorn or uvicorn.
        folder: where its files are.
        settings: of its app.
        workers: Celery's, if it has any.
    """

    kind: Kind
    web: AppProcess
    folder: Path
    settings: dict[str, Any]
    workers: list[Worker] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.web.url

    def web_processes(self) -> list[int]:
        """Return the pids of gunicorn's workers, or that of uvicorn."""
        children = psutil.Process(self.web.pid).children()
        workers = [child.pid for child in children if _is_gunicorn(child)]
        return workers or [self.web.pid]

    def server_cpu(self) -> float:
        """Return the CPU seconds that the web processes have taken so far."""
        return sum(map(cpu_seconds, self.web_processes()))

    def server_memory(self) -> int:
        """Return the bytes that the web processes share with no other process."""
        return sum(
            psutil.Process(pid).memory_full_info().uss for pid in self.web_processes()
        )

    def processes(self) -> list[psutil.Process]:
        """Return all that came from its web server and its workers."""
        return [
            process
            for server in (self.web, *self.workers)
            for process in server.processes()
        ]


def _is_gunicorn(process: psutil.Process) -> bool:
    """Tell a worker of gunicorn from jobs, which native callbacks fork from one."""
    return any("gunicorn" in part for part in process.cmdline())


class Servers:
    """Starts contenders; all of them go in the end.

    Args:
        folder: for their files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._redis: Redis | None = None
        self._count = 0

    def close(self) -> None:
        self._stack.close()

    def start(
        self,
        kind: Kind,
        *,
        workers: int = WORKERS,
        threads: int = THREADS,
        celery: tuple[str, ...] | None = ("-c", "2"),
        backend: str = "flask",
        **settings: Any,
    ) -> Deployment:
        """Start a contender with settings for ``app.py``.

        Args:
            kind: which one.
            workers: processes of gunicorn.
            threads: of each of them.
            celery: options of the worker; None for none yet.
            backend: another than Flask's server is one process of uvicorn.
            settings: for the app.
        """
        folder = self._make_folder()
        settings |= {"contender": kind.contender, "directory": str(folder / "cache")}
        if kind.manager == "celery":
            settings["redis"] = self.redis().database()
        if backend == "flask":
            web = self._web("app:server", workers, threads, settings)
        else:
            settings["backend"] = {"backend": backend}
            web = self._uvicorn(settings)
        deployment = Deployment(kind, web, folder, settings)
        if kind.manager == "celery" and celery is not None:
            self.add_worker(deployment, *celery)
        return deployment

    def add_worker(self, deployment: Deployment, *options: str) -> None:
        """Start a worker of Celery for a contender, and wait until it is ready."""
        app = "benchmarks.app:celery_app"
        command = [sys.executable, "-m", "celery", "-A", app, "worker"]
        command += ["-l", "INFO", "--without-gossip", "--without-mingle", *options]
        command = _with_settings(command, deployment.settings)
        worker = Worker(command, self._make_folder())
        self._run(worker)
        deployment.workers.append(worker)

    def bare(self) -> AppProcess:
        """Start the Flask app that answers constant JSON."""
        settings = {"contender": "native", "directory": str(self._make_folder())}
        return self._web("app:bare", WORKERS, THREADS, settings)

    def page(
        self, page: str, manager: str = "diskcache", **settings: Any
    ) -> Deployment:
        """Start a page of ``operators_app.py``, in one process.

        Args:
            page: its name.
            manager: of its jobs, if it has any.
            settings: further ones of the app.
        """
        folder = self._make_folder()
        settings |= {"page": page, "directory": str(folder)}
        if manager == "celery":
            settings["redis"] = self.redis().database()
        web = self._web("operators_app:server", 1, THREADS, settings)
        return Deployment(Kind("ours", manager), web, folder, settings)

    def redis(self) -> Redis:
        if self._redis is None:
            self._redis = Redis(self._make_folder())
            self._stack.callback(self._redis.close)
            self._redis.start()
        return self._redis

    def _web(
        self, app: str, workers: int, threads: int, settings: dict[str, Any]
    ) -> AppProcess:
        port = free_port()
        command = [
            *(sys.executable, "-m", "gunicorn", f"benchmarks.{app}"),
            *("-w", str(workers), "--threads", str(threads)),
            *("-b", f"127.0.0.1:{port}", "--pythonpath", str(ROOT)),
            # No wait is for a connection.
            *("--keep-alive", "900", "--backlog", "4096"),
            *("--worker-connections", "4000"),
        ]
        return self._serve(command, settings, port)

    def _uvicorn(self, settings: dict[str, Any]) -> AppProcess:
        port = free_port()
        command = [
            *(sys.executable, "-m", "uvicorn", "benchmarks.app:server"),
            *("--host", "127.0.0.1", "--port", str(port), "--no-access-log"),
            *("--timeout-keep-alive", "900", "--backlog", "4096"),
        ]
        return self._serve(command, settings, port)

    def _serve(
        self, command: list[str], settings: dict[str, Any], port: int
    ) -> AppProcess:
        web = AppProcess(_with_settings(command, settings), self._make_folder(), port)
        # An app may store thousands of jobs before it serves.
        web.start_timeout = 180.0
        self._run(web)
        return web

    def _run(self, process: AppProcess) -> None:
        self._stack.callback(process.close)
        process.start()

    def _make_folder(self) -> Path:
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        return folder


def _with_settings(command: list[str], settings: dict[str, Any]) -> list[str]:
    return ["env", f"BENCHMARK={json.dumps(settings)}", f"PYTHONPATH={ROOT}", *command]


@contextmanager
def serving() -> Iterator[Servers]:
    """Give a place to start contenders in."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        servers = Servers(Path(folder))
        try:
            yield servers
        finally:
            servers.close()
