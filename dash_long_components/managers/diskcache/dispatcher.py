"""The dispatcher: the process that runs the jobs of a store and code version.

Each host (container, machine) has its own. It imports the app once, stays
single-threaded and forks each job from that, so that no job inherits the threads or
sockets of a server. As their parent, it knows how its workers ended. The store says
what to do; an empty datagram only wakes the dispatcher.
"""

from __future__ import annotations

import gc
import json
import logging
import multiprocessing
import signal
import sys
import time
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from typing import Any

from ...core.jobs import JobError, Status
from ...exceptions import (
    StoreDamagedError,
    StoreError,
    StoreUnavailableError,
)
from ...running import tasks
from ..identity import Process
from ..processes import (
    DYING,
    adopt_orphans,
    children,
    end_child,
    kill_group,
    kill_left_behind,
    kill_tree,
    kill_tree_of,
)
from ..store.heartbeats import INTERVAL
from ..store.store import Store
from ..store.watchdog import Watchdog
from . import inherited
from .app_code import AppCode, without_main
from .outages import OutageLog, outlast, told
from .spare_worker import SpareWorker
from .wakeup import Wakeup
from .worker import enter_and_work

logger = logging.getLogger("dash_long_components")

#: Seconds after which the dispatcher looks around without being told to.
TICK = 1.0

#: Exit code of a dispatcher that has no store: EX_TEMPFAIL of <sysexits.h>.
NO_STORE = 75

#: Seconds between two sweeps of old records.
SWEEP_INTERVAL = 5.0

#: Seconds after the end of a job, at most, until what its request held is overwritten.
PURGE_INTERVAL = 5.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings that a new dispatcher gets, as JSON on its standard input.

    Attributes:
        directory: of the store.
        result_ttl: seconds for which the record of an ended job is kept.
        code: version of the app's code.
        max_concurrency: how many jobs may run at once, over all code versions.
        start_method: ``fork`` or ``spawn``.
        results: the user's cache, where results are kept, as ``ResultCache.dumps``.
        app: what to import.
    """

    directory: str
    result_ttl: float
    code: str
    max_concurrency: int
    start_method: str
    results: str
    app: AppCode

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Settings:
        fields = json.loads(data)
        return cls(**{**fields, "app": AppCode.from_dict(fields["app"])})


class Dispatcher:
    """Runs the jobs of one code version for as long as a server wants that.

    Args:
        settings: from the process that started it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._me = Process.current()
        self._store = Store(settings.directory, settings.result_ttl)
        registry = self._store.registry
        self._watchdog = Watchdog(
            self._store, settings.code, lambda: registry.has_any_client()
        )
        self._context: Any = multiprocessing.get_context(settings.start_method)
        self._children: dict[str, BaseProcess] = {}
        self._spare: SpareWorker | None = None
        self._failures: dict[str, str] = {}
        self._not_jobs: set[int] = set()
        self._stopped_by: signal.Signals | None = None
        self._next_sweep = self._next_purge = time.monotonic()
        self._next_beat = 0.0
        self._purged: float | None = None

    def run(self) -> None:
        """Run jobs; return when no server wants that or another dispatcher lives."""
        with Wakeup() as wakeup:
            if not self._claim(wakeup.port):
                return
            self._install_signals(wakeup)
            self._failures = self._settings.app.load()
            if self._is_forking:
                _warn_of(inherited.connections(self._settings.directory))
            adopt_orphans()
            if self._settings.start_method == "spawn" and sys.platform != "win32":
                # Otherwise multiprocessing starts it with the first worker.
                resource_tracker.ensure_running()
            self._not_jobs = children()
            # The collector writes to each object that it looks at. That would copy the
            # memory pages that workers share.
            gc.collect()
            gc.freeze()
            if not self._claim(wakeup.port, tasks.fingerprints()):
                return
            try:
                self._work(wakeup)
            finally:
                if self._spare is not None:
                    self._spare.dismiss()
                self._store.close()

    def _claim(self, port: int, known: dict[str, str] | None = None) -> bool:
        def claim() -> bool:
            return self._store.registry.claim(
                self._settings.code, self._me, port=port, tasks=known
            )

        return outlast(self._store, claim)

    def _work(self, wakeup: Wakeup) -> None:
        log = OutageLog()
        while self._stopped_by is None:
            try:
                with told(self._store):
                    if self._look_around():
                        self._store.purge()
                        return
                log.end()
            except StoreUnavailableError as error:
                if isinstance(error, StoreDamagedError):
                    self._kill_children()
                    raise
                log.begin(error)
            except StoreError:
                self._kill_children()
                raise
            wakeup.wait(self._watchdog.wait(TICK))
        self._stop(self._stopped_by)

    def _look_around(self) -> bool:
        """Do one round. True if nothing more will be to do.

        If the store fails at any point, the next round goes on from there.
        """
        self._beat()
        self._watch()
        self._end_orphans()
        self._watchdog.end_waiting()
        self._start_jobs()
        self._keep_spare()
        self._sweep()
        self._purge()
        return self._is_done()

    def _beat(self) -> None:
        if time.monotonic() >= self._next_beat:
            self._store.registry.beat(self._me)
            self._next_beat = time.monotonic() + INTERVAL

    def _start_jobs(self) -> None:
        settings = self._settings
        while True:
            job_id = self._store.take(settings.code, self._me, settings.max_concurrency)
            if job_id is None:
                return
            try:
                self._children[job_id] = self._hire(job_id)
            except OSError as error:
                self._bury(job_id, f"Its worker could not be started: {error}.")

    def _hire(self, job_id: str) -> BaseProcess:
        """Return a process that runs a job.

        Raises:
            OSError: it can't be started.
        """
        spare, self._spare = self._spare, None
        if spare is not None and spare.take(job_id):
            return spare.process
        app = None if self._is_forking else self._settings.app
        process: BaseProcess = self._context.Process(
            target=enter_and_work,
            args=(self._store, job_id, app, self._failures, self._settings.results),
            name="dash-long-job",
        )
        # A forked process must not inherit a connection of SQLite.
        self._store.close()
        with nullcontext() if self._is_forking else without_main():
            process.start()
        return process

    def _keep_spare(self) -> None:
        """Fork a worker for the next job, if that one will find a free slot."""
        has_place = len(self._children) < self._settings.max_concurrency
        if self._is_forking and has_place and self._spare is None:
            self._store.close()
            with suppress(OSError):
                self._spare = SpareWorker(
                    self._context, self._store, self._failures, self._settings.results
                )

    @property
    def _is_forking(self) -> bool:
        return self._settings.start_method == "fork"

    def _watch(self) -> None:
        """Look at every worker: stop it, or note how it has ended."""
        slots = self._store.slots.all()
        # The store does not know these: it was removed, and a server made a new one.
        for job_id in self._children.keys() - slots.keys():
            self._watch_child(job_id, self._children[job_id], None)
        for job_id, slot in slots.items():
            dispatcher = slot.dispatcher
            if job_id in self._children:
                self._watch_child(job_id, self._children[job_id], slot.deadline)
            elif dispatcher.is_here:
                worker = slot.worker
                if dispatcher != self._me or worker is None:
                    if dispatcher != self._me and dispatcher.is_alive():
                        continue
                    worker = self._store.slots.adopt(job_id, self._me)
                self._watch_adopted(job_id, worker, slot.deadline)
            elif not self._store.registry.is_living(dispatcher):
                self._bury(job_id, "The container or machine that ran it is gone.")

    def _watch_child(
        self, job_id: str, process: BaseProcess, deadline: float | None
    ) -> None:
        if process.exitcode is None:
            if not self._watchdog.must_stop(job_id, deadline):
                return
            _kill(process)
            if process.exitcode is None:
                return  # it may take a while, and other jobs must not wait for it
        kill_group(_pid(process))
        # As long as the job has a slot, the next dispatcher would do the rest.
        self._end_orphans()
        self._bury(job_id, _describe_exit(process.exitcode))
        process.close()
        del self._children[job_id]

    def _watch_adopted(
        self, job_id: str, worker: Process | None, deadline: float | None
    ) -> None:
        """Look at a worker whose dispatcher has died."""
        if worker is not None and worker.is_alive():
            if not self._watchdog.must_stop(job_id, deadline):
                return
            kill_tree_of(worker)
        if worker is not None:
            kill_left_behind(worker, job_id)
        self._bury(
            job_id,
            "Its worker died. How is not known, since its dispatcher had died before.",
        )

    def _end_orphans(self) -> None:
        """Kill what jobs left behind: children that are no workers nor the app's."""
        workers = {_pid(process) for process in self._children.values()}
        if self._spare is not None:
            workers.add(_pid(self._spare.process))
        for pid in children() - workers - self._not_jobs:
            if not end_child(pid):
                logger.warning("Process %d of an ended job can't be killed.", pid)
                self._not_jobs.add(pid)

    def _bury(self, job_id: str, how: str) -> None:
        """End the job of a worker that is gone, and free its slot."""
        with suppress(KeyError):
            record = self._store.read(job_id)
            error = JobError(type="WorkerDied", message=how, task=record.task)
            is_lost = (
                self._store.end(job_id, Status.LOST, error)
                and not record.cancel_requested
            )
            if is_lost and self._stopped_by is None:
                logger.error(
                    "A job of the long callback %s is lost. %s", record.task, how
                )
        self._store.slots.release(job_id)
        self._watchdog.forget(job_id)

    def _sweep(self) -> None:
        """Once in a while, delete old records and end queues of old code."""
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + SWEEP_INTERVAL
        self._store.sweep()
        for code in self._store.registry.abandoned():
            self._store.drop_queue(
                code,
                "The code of the app has changed since the job was submitted.",
            )

    def _purge(self) -> None:
        """Overwrite what the requests of ended jobs held, soon after their end."""
        now, last_end = time.monotonic(), self._store.last_end()
        if last_end == self._purged or now < self._next_purge:
            return
        self._next_purge = now + PURGE_INTERVAL
        if self._store.purge():
            self._purged = last_end

    def _is_done(self) -> bool:
        """Resign if no server wants this dispatcher and no job needs it."""
        if self._children or self._store.registry.has_clients(self._settings.code):
            return False
        if any(
            slot.dispatcher == self._me for slot in self._store.slots.all().values()
        ):
            return False
        return self._store.resign(self._settings.code)

    def _stop(self, by: signal.Signals) -> None:
        """End every running job: the dispatcher got a signal."""
        reason = f"The server was stopped by {by.name}."
        self._kill_children()
        for job_id, slot in self._store.slots.all().items():
            if slot.dispatcher != self._me:
                continue
            if job_id not in self._children and slot.worker is not None:
                kill_tree_of(slot.worker)
            self._bury(job_id, reason)
        if by is signal.SIGINT:
            # Ctrl-C means all jobs. Otherwise the queue waits for a restart.
            self._store.drop_queue(self._settings.code, reason)

    def _kill_children(self) -> None:
        for child in self._children.values():
            _kill(child)

    def _install_signals(self, wakeup: Wakeup) -> None:
        def stop(number: int, _frame: object) -> None:
            self._stopped_by = signal.Signals(number)

        for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None)):
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, stop)
        if sys.platform != "win32":
            signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wakeup.waker_fd, warn_on_full_buffer=False)


def _warn_of(connections: list[str]) -> None:
    if connections:
        logger.warning(
            "The import of the app has opened connections: %s. All jobs would share "
            "them, and get each other's answers. Open them in a function with "
            "@manager.worker_init, or at their first use in a job.",
            ", ".join(connections),
        )


def _pid(process: BaseProcess) -> int:
    return process.pid or 0  # None only before it was started


def _kill(process: BaseProcess) -> None:
    kill_tree(_pid(process))
    process.join(DYING)


def _describe_exit(exit_code: int | None) -> str:
    """Return one line that says how a worker ended before its function returned."""
    if exit_code is None or exit_code >= 0:
        return f"Its worker exited with code {exit_code} before the function returned."
    name = f"signal {-exit_code}"
    with suppress(ValueError):  # a real-time signal has no name
        name = signal.Signals(-exit_code).name
    hint = " The system may be short of memory." if name == "SIGKILL" else ""
    return f"Its worker was killed by {name}.{hint}"


def main() -> None:
    """Run a dispatcher with the settings on standard input.

    Exits with ``NO_STORE`` if the store can't be used.
    """
    settings = Settings.from_json(sys.stdin.buffer.read())
    try:
        Dispatcher(settings).run()
    except StoreError as error:
        logger.error("%s", error)
        # The next one would fail as well if it started at once.
        time.sleep(TICK)
        sys.exit(NO_STORE)


if __name__ == "__main__":
    main()
