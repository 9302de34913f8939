"""Faults: signals, restarts, cut connections, lost messages, a locked store."""

from __future__ import annotations

import json
import queue
import random
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress

import kombu
import kombu.exceptions
import psutil
import redis

from dash_long_components.exceptions import StoreError, UnknownTaskError
from tests.integration.brokers import Broker, RabbitMQ

from . import bounds
from .deployment import QUEUE, Deployment, Service
from .ledger import Fault, Ledger

#: Seconds from one fault to the next, and how often one is followed by some quiet.
PAUSE, QUIET, QUIET_CHANCE = (0.3, 2.0), 8.0, 0.1

#: Seconds for which something is stopped or away.
SHORT, LONG = (0.5, 3.0), (1.0, 6.0)

#: Seconds after which a dispatcher that was stopped has been replaced.
REPLACED = (14.0, 18.0)

#: The kind of jobs that operators pause, and the name of its task.
PAUSED, PAUSED_TASK = "paused", "soak_app.paused"

_LETHAL = (signal.SIGKILL, signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)


class Faults:
    """Does one fault after the other, at random, and notes each in the ledger.

    Args:
        deployment: what they hit.
        ledger: where they are noted.
        seed: of what is random.
    """

    def __init__(self, deployment: Deployment, ledger: Ledger, seed: int) -> None:
        self._deployment = deployment
        self._ledger = ledger
        self._random = random.Random(seed)  # noqa: S311
        self._recovery = bounds.recovery(deployment.manager)

    def run(self, stopped: threading.Event) -> None:
        """Go on until ``stopped`` is set."""
        choices = self._celery() if self._deployment.is_celery else self._diskcache()
        # As from a pack of cards: a short soak has some of each kind, too.
        pack: list[Callable[[], None]] = []
        while not stopped.wait(self._pause()):
            if not pack:
                pack = [fault for fault, count in choices for _ in range(count)]
                self._random.shuffle(pack)
            with suppress(psutil.Error, IndexError):
                pack.pop()()

    def _pause(self) -> float:
        is_quiet = self._random.random() < QUIET_CHANCE
        return QUIET if is_quiet else self._random.uniform(*PAUSE)

    def _diskcache(self) -> list[tuple[Callable[[], None], int]]:
        return [
            (self._end_worker, 8),
            (self._stop_worker, 2),
            (self._end_dispatcher, 4),
            (self._stop_dispatcher, 2),
            (self._end_dispatcher_and_worker, 2),
            (self._lock_store, 1),
            *self._web(),
        ]

    def _celery(self) -> list[tuple[Callable[[], None], int]]:
        return [
            (self._end_pool_child, 8),
            (self._stop_pool_child, 2),
            (self._end_main, 4),
            (self._stop_main, 1),
            (self._end_worker_and_pool, 1),
            (self._end_machine, 1),
            (self._stop_broker, 2),
            (self._restart_broker, 2),
            (self._cut, 3),
            (self._stall, 1),
            (self._refuse, 1),
            (self._lose_message, 4),
            *self._web(),
        ]

    def _web(self) -> list[tuple[Callable[[], None], int]]:
        return [
            (self._end_web, 4),
            (self._stop_web, 1),
            (self._end_server, 2),
            (self._pause_task, 3),
        ]

    # Web

    def _end_web(self) -> None:
        self._end("web process", self._one(self._deployment.web.children()))

    def _stop_web(self) -> None:
        self._stop("web process", self._one(self._deployment.web.children()), SHORT)

    def _end_server(self) -> None:
        """End gunicorn's master; it is started again when that has been noticed."""
        web, number = self._deployment.web, self._random.choice(_LETHAL)
        starts = web.starts
        with self._lasting(f"server {number.name}", self._recovery.of_server):
            web.main().send_signal(number)
            until = time.monotonic() + 30
            while web.starts == starts and time.monotonic() < until:
                time.sleep(0.1)

    def _pause_task(self) -> None:
        """Pause a task as an operator does, and resume it."""
        with self._deployment.operator() as manager:
            _until_done(lambda: manager.pause(PAUSED_TASK))
            with self._lasting("pause", 0.0, signals=0, what=PAUSED):
                time.sleep(self._random.uniform(*LONG))
            _until_done(lambda: manager.resume(PAUSED_TASK))

    # Diskcache

    def _workers(self) -> list[psutil.Process]:
        return [
            worker
            for dispatcher in self._deployment.dispatchers()
            for worker in dispatcher.children()
        ]

    def _dispatcher(self) -> psutil.Process:
        return self._one(self._deployment.dispatchers())

    def _end_worker(self) -> None:
        self._end("worker", self._one(self._workers()))

    def _stop_worker(self) -> None:
        self._stop("worker", self._one(self._workers()), SHORT)

    def _end_dispatcher(self) -> None:
        self._end(
            "dispatcher", self._dispatcher(), recovery=self._recovery.of_dispatcher
        )

    def _stop_dispatcher(self) -> None:
        seconds = self._random.choice((LONG, REPLACED))
        recovery = self._recovery.of_dispatcher
        self._stop("dispatcher", self._dispatcher(), seconds, recovery)

    def _end_dispatcher_and_worker(self) -> None:
        dispatcher, worker = self._dispatcher(), self._one(self._workers())
        self._end("worker", worker)
        self._end("dispatcher", dispatcher, recovery=self._recovery.of_dispatcher)

    def _lock_store(self) -> None:
        """Keep everything else from writing to the store."""
        folder = self._deployment.web.folder / "cache" / "long-jobs"
        (path,) = [path for path in folder.glob("*.db") if path.is_file()]
        with self._lasting("store locked", self._recovery.of_store, signals=0):
            database = sqlite3.connect(path, isolation_level=None, timeout=10)
            database.execute("BEGIN IMMEDIATE")
            time.sleep(self._random.uniform(*LONG))
            database.close()

    # Celery

    def _worker(self) -> Service:
        return self._random.choice(self._deployment.workers)

    def _end_pool_child(self) -> None:
        self._end("pool child", self._one(self._worker().children()))

    def _stop_pool_child(self) -> None:
        self._stop("pool child", self._one(self._worker().children()), SHORT)

    def _end_main(self) -> None:
        self._end("worker", self._worker().main())

    def _stop_main(self) -> None:
        # Not for as long as two leases: its jobs would be lost by promise.
        self._stop("worker", self._worker().main(), SHORT)

    def _end_worker_and_pool(self) -> None:
        """Kill a worker with its pool, and not what their jobs have started."""
        main = self._worker().main()
        self._kill_all("worker and pool", [main, *main.children()])

    def _end_machine(self) -> None:
        """Kill all that has come from a worker, as when its machine fails."""
        worker = self._worker()
        found = {p for p in worker.processes() for p in (p, *p.children(True))}
        self._kill_all("machine", found)

    def _kill_all(self, whom: str, processes: Collection[psutil.Process]) -> None:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        pids = tuple(process.pid for process in processes)
        self._note(f"{whom} SIGKILL", pids, signals=len(pids), is_lethal=True)

    def _broker(self) -> Broker:
        return self._random.choice(self._deployment.brokers)

    def _stop_broker(self) -> None:
        broker = self._broker()
        found = broker.processes() or [psutil.Process(broker.pid)]
        recovery = self._recovery.of_broker
        with self._lasting(f"{_name(broker)} SIGSTOP", recovery, len(found)):
            for process in found:
                process.suspend()
            time.sleep(self._random.uniform(*LONG))
            for process in found:
                process.resume()

    def _restart_broker(self) -> None:
        broker, number = self._broker(), self._random.choice(_LETHAL)
        recovery = self._recovery.of_broker
        with self._lasting(f"{_name(broker)} {number.name}, restart", recovery):
            _end_broker(broker, number)
            time.sleep(self._random.uniform(*SHORT))
            broker.start()

    def _cut(self) -> None:
        proxy = self._random.choice(self._deployment.proxies)
        with self._lasting("cut", self._recovery.of_broker, signals=0, what=proxy.name):
            proxy.cut()

    def _stall(self) -> None:
        proxy = self._random.choice(self._deployment.proxies)
        recovery = self._recovery.of_broker
        with self._lasting("stall", recovery, signals=0, what=proxy.name):
            proxy.stall(True)
            time.sleep(self._random.uniform(*LONG))
            proxy.stall(False)

    def _refuse(self) -> None:
        proxy = self._random.choice(self._deployment.proxies)
        recovery = self._recovery.of_broker
        with self._lasting("refuse", recovery, signals=0, what=proxy.name):
            proxy.refuse(True)
            time.sleep(self._random.uniform(*LONG))
            proxy.refuse(False)

    def _lose_message(self) -> None:
        """Remove a message from the queue: its job never reaches a worker."""
        for _ in range(100):  # mostly the queue is empty, and workers are quicker
            if job := self._take_message():
                self._note("message lost", (), signals=0, what=job)
                return
            time.sleep(0.02)

    def _take_message(self) -> str | None:
        """Take the next message out of the queue, and return the id of its job."""
        url = self._deployment.broker_url()
        with suppress(OSError, redis.RedisError, kombu.exceptions.OperationalError):
            if url.startswith("redis"):
                with redis.Redis.from_url(url, socket_timeout=1) as client:
                    text = client.rpop(QUEUE)
                    message = json.loads(text) if isinstance(text, bytes) else None
                    return str(message["headers"]["id"]) if message else None
            with (
                kombu.Connection(url, connect_timeout=1) as connection,
                suppress(queue.Empty),
            ):
                found = connection.SimpleQueue(QUEUE).get(block=False)
                found.ack()
                return str((found.headers or {}).get("id"))
        return None

    # All

    def _one(self, processes: Iterable[psutil.Process]) -> psutil.Process:
        """Return one of several.

        Raises:
            IndexError: there is none.
        """
        return self._random.choice(list(processes))

    def _end(self, whom: str, process: psutil.Process, recovery: float = 0.0) -> None:
        number = self._random.choice(_LETHAL)
        process.send_signal(number)
        self._note(
            f"{whom} {number.name}", (process.pid,), recovery=recovery, is_lethal=True
        )

    def _stop(
        self,
        whom: str,
        process: psutil.Process,
        seconds: tuple[float, float],
        recovery: float = 0.0,
    ) -> None:
        """Stop a process for some seconds, and let it go on."""
        process.suspend()
        try:
            with self._lasting(f"{whom} SIGSTOP", recovery, pids=(process.pid,)):
                time.sleep(self._random.uniform(*seconds))
        finally:
            process.resume()

    def _note(
        self,
        kind: str,
        pids: tuple[int, ...],
        *,
        signals: int = 1,
        is_lethal: bool = False,
        recovery: float = 0.0,
        what: str = "",
    ) -> None:
        at = time.monotonic()
        self._ledger.fault(
            Fault(kind, at, at, pids, signals, is_lethal, recovery, what)
        )

    @contextmanager
    def _lasting(
        self,
        kind: str,
        recovery: float,
        signals: int = 1,
        pids: tuple[int, ...] = (),
        what: str = "",
    ) -> Iterator[None]:
        """Note a fault that lasts for as long as the block."""
        fault = Fault(kind, time.monotonic(), float("inf"), pids, signals, False)
        fault.recovery, fault.what = recovery, what
        self._ledger.fault(fault)
        try:
            yield
        finally:
            fault.until = time.monotonic()


def _until_done(action: Callable[[], None]) -> None:
    """Do something with the job store as soon as it responds."""
    while True:
        try:
            return action()
        except (StoreError, UnknownTaskError):  # it has no job yet
            time.sleep(0.5)


def _name(broker: Broker) -> str:
    return type(broker).__name__


def _end_broker(broker: Broker, number: signal.Signals) -> None:
    """End a broker, and whatever it consists of."""
    if number is signal.SIGTERM:
        with suppress(subprocess.TimeoutExpired):
            broker.terminate()
    if isinstance(broker, RabbitMQ):
        for process in broker.processes():
            with suppress(psutil.Error):
                process.kill()
    broker.kill()
