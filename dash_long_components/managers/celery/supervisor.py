"""The supervisor of a worker: its jobs end when the job store says so, and vice versa.

It runs in a thread of the worker's main process. Control commands and Celery's own
records make things quick. They can get lost, with the connection to the broker for
instance, or be switched off. So the supervisor compares the jobs of the worker with the
job store at every renewal of the lease.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import celery
from celery import bootsteps
from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.worker import state as worker_state

from ...core.jobs import Status
from ...exceptions import StoreUnavailableError
from ..processes import kill_tree
from .deliveries import Message
from .fates import Fate
from .leases import Lease, no_fork
from .parts import End, Live
from .store import CeleryStore


@dataclass(kw_only=True)
class _Held:
    """A job that this worker has received.

    Attributes:
        request: Celery's object for it.
        number: of the message.
        message: how it was sent.
        has_begun: whether a pool process has it.
        is_missing: whether Celery did not have it at the last look.
        kill_at: when to kill it, by the monotonic clock; None for never.
        is_killed: whether that was done.
    """

    request: Any
    number: int
    message: Message
    has_begun: bool = False
    is_missing: bool = False
    kill_at: float | None = None
    is_killed: bool = False


class Supervisor:
    """Knows the jobs of a worker. Every method may be called from any thread.

    Args:
        app: of the worker.
        lease: of the worker, in seconds.
    """

    #: None outside of workers.
    current: Supervisor | None = None

    def __init__(self, app: celery.Celery, lease: float) -> None:
        self._store = CeleryStore(app, lease)
        self._interval = lease / 3
        self._lock = threading.Lock()
        self._held: dict[int, _Held] = {}
        self._dead: list[tuple[str, Fate]] = []
        self._wake = threading.Event()
        self._kill: Callable[[int], None] | None = None

    def received(self, request: Any, number: int, message: Message) -> None:
        """Note that a job has arrived; it may wait for a pool process."""
        with self._lock:
            held = _Held(request=request, number=number, message=message)
            self._held[id(request)] = held

    def began(self, request: Any) -> None:
        """Note that a pool process has a job."""
        with self._lock:
            held = self._held.get(id(request))
            if held is not None:
                held.has_begun = True

    def ended(self, request: Any) -> None:
        """Note that the pool has done with a job."""
        with self._lock:
            self._held.pop(id(request), None)

    def died(self, request: Any, fate: Fate) -> None:
        """Note that the process of a job has died."""
        self.ended(request)
        with self._lock:
            self._dead.append((request.id, fate))
        self._wake.set()

    def cancel(self, job_id: str, grace: float) -> bool:
        """Kill a job after ``grace`` seconds; return False if it does not run here."""
        due = time.monotonic() + grace
        with self._lock:
            running = [held for held in self._held.values() if held.has_begun]
            found = [held for held in running if held.request.id == job_id]
            for held in found:
                held.kill_at = min(due, held.kill_at or due)
        self._wake.set()
        return bool(found)

    def run(self, pool: Any) -> None:
        """Supervise for as long as this process lives."""
        if isinstance(pool, PreforkPool):
            self._kill = lambda pid: _kill(pool, pid)
        look_at = 0.0
        while True:
            now = time.monotonic()
            if now >= look_at:
                look_at = now + self._interval
            # Without the backend nothing is known. The next look is soon.
            with suppress(StoreUnavailableError), no_fork:
                self._report_deaths()
                if look_at == now + self._interval:
                    self._look(now)
            self._kill_due()
            self._wake.wait(max(0.0, min(look_at, self._next_kill()) - now))
            self._wake.clear()

    def _look(self, now: float) -> None:
        """Compare the jobs here with the store."""
        with self._lock:
            held = list(self._held.values())
        running = [each for each in held if each.has_begun]
        ends = self._store.ends.get_all([each.request.id for each in running])
        for each, end in zip(running, ends, strict=True):
            if end is not None and end.live is None and each.kill_at is None:
                each.kill_at = now + _grace(each, end)
        for each in held:
            if not each.has_begun:
                self._look_for(each)

    def _look_for(self, held: _Held) -> None:
        """Release a job that Celery has dropped, with its connection to the broker."""
        was_missing = held.is_missing
        held.is_missing = held.request.id not in worker_state.requests
        # Celery knows a job a moment after it has arrived.
        if held.is_missing and was_missing and Lease.current is not None:
            self._store.release(held.request.id, Lease.current.id, held.number)
            self.ended(held.request)

    def _report_deaths(self) -> None:
        """End the jobs whose process has died, however Celery delivers them again."""
        while self._dead:
            job_id, fate = self._dead[0]
            live = self._store.live(job_id)
            if live is not None and self._ran(live):
                self._store.ends.decide(job_id, fate.end(live.record, time.time()))
            self._dead.pop(0)

    def _ran(self, live: Live) -> bool:
        """Tell whether a job ran on this worker, and no longer does.

        Otherwise the process that has died had a second delivery of the job.
        """
        if Lease.current is None or live.worker.lease != Lease.current.id:
            return False
        with self._lock:
            running = [each for each in self._held.values() if each.has_begun]
        return all(each.request.id != live.record.id for each in running)

    def _kill_due(self) -> None:
        now = time.monotonic()
        with self._lock:
            held = list(self._held.values())
        for each in held:
            is_due = each.kill_at is not None and each.kill_at <= now
            if is_due and not each.is_killed and self._kill is not None:
                each.is_killed = True
                self._kill(each.request.worker_pid)

    def _next_kill(self) -> float:
        with self._lock:
            waiting = [each for each in self._held.values() if not each.is_killed]
        times = [each.kill_at for each in waiting if each.kill_at is not None]
        return min(times, default=float("inf"))


def _grace(held: _Held, end: End) -> float:
    return held.message.grace if end.status is Status.CANCELLED else 0.0


def _kill(pool: Any, pid: int) -> None:
    """Kill a pool process with all that came from it."""
    if sys.platform != "win32":
        # Before it dies: the pool then takes its death for a termination, and neither
        # logs it as an error nor waits for a late result.
        pool.terminate_job(pid, signal.SIGCONT)
    kill_tree(pid)


def step(lease: float) -> type[bootsteps.StartStopStep]:
    """Return a step of Celery's workers that supervises their jobs."""

    class SupervisorStep(bootsteps.StartStopStep):
        """Runs a supervisor in a thread of the worker's main process."""

        requires = ("celery.worker.components:Pool",)

        def __init__(self, worker: Any, **options: Any) -> None:
            super().__init__(worker, **options)
            self._supervisor = Supervisor.current = Supervisor(worker.app, lease)

        def start(self, worker: Any) -> None:
            threading.Thread(
                target=self._supervisor.run,
                args=(worker.pool,),
                name="dash-long-jobs-supervisor",
                daemon=True,
            ).start()

    return SupervisorStep
