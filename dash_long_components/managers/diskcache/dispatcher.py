"""The dispatcher: the one process per store and code version that runs its jobs.

It imports the app once, stays single-threaded and forks each job from that, so that
neither the threads nor the sockets of a server get into one. Being the parent, it knows
how each worker ended. What is to be done stands in the store; an empty datagram only
says that it is time to look.
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
from ...exceptions import StoreError, StoreUnavailableError
from ...running import tasks
from ..processes import (
    DYING,
    Process,
    adopt_orphans,
    children,
    end_child,
    kill_group,
    kill_left_behind,
    kill_tree,
)
from ..store.store import Store
from .app_code import AppCode, without_main
from .outages import outlast, told
from .spare_worker import SpareWorker
from .wakeup import Wakeup
from .watchdog import Watchdog
from .worker import enter_and_work

logger = logging.getLogger("dash_long_components")

#: Seconds after which the dispatcher looks around without being told to.
TICK = 1.0

#: Exit code of a dispatcher that has no store: EX_TEMPFAIL of <sysexits.h>.
NO_STORE = 75

#: Seconds between two sweeps of records whose time is over.
SWEEP_INTERVAL = 5.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a server process tells a new dispatcher, as JSON on its standard input.

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
    """Runs the jobs of one code version until nobody wants any.

    Args:
        settings: from the process that started it.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._me = Process.current()
        self._store = Store(settings.directory, settings.result_ttl)
        self._watchdog = Watchdog(self._store, settings.code)
        self._context: Any = multiprocessing.get_context(settings.start_method)
        self._children: dict[str, BaseProcess] = {}
        self._spare: SpareWorker | None = None
        self._failures: dict[str, str] = {}
        self._not_jobs: set[int] = set()
        self._stopped_by: signal.Signals | None = None
        self._next_sweep = time.monotonic()

    def run(self) -> None:
        """Do the work; return when it is done or there is another dispatcher."""
        with Wakeup() as wakeup:
            if not self._claim(port=wakeup.port):
                return
            self._install_signals(wakeup)
            self._failures = self._settings.app.load()
            adopt_orphans()
            if self._settings.start_method == "spawn" and sys.platform != "win32":
                # multiprocessing starts it with the first worker, else.
                resource_tracker.ensure_running()
            self._not_jobs = children()
            # Objects that live on are left alone by the collector, so that it does
            # not write to, and thereby copy, the pages that workers share.
            gc.collect()
            gc.freeze()
            self._claim(port=wakeup.port, tasks=tasks.fingerprints())
            try:
                self._work(wakeup)
            finally:
                if self._spare is not None:
                    self._spare.dismiss()

    def _claim(self, **about: Any) -> bool:
        def claim() -> bool:
            return self._store.registry.claim(self._settings.code, self._me, **about)

        return outlast(self._store, claim)

    def _work(self, wakeup: Wakeup) -> None:
        while self._stopped_by is None:
            try:
                with told(self._store):
                    if self._look_around():
                        return
            except StoreUnavailableError as error:
                logger.warning("%s", error)
            except StoreError:
                self._kill_children()
                raise
            wakeup.wait(self._watchdog.wait(TICK))
        self._stop(self._stopped_by)

    def _look_around(self) -> bool:
        """Do what is to be done now. True if there will be nothing more to do.

        The store may fail it at any point, and the next round takes it up there.
        """
        self._watch()
        self._end_orphans()
        self._watchdog.end_waiting()
        self._start_jobs()
        self._keep_spare()
        self._sweep()
        return self._is_done()

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
            OSError: there is none.
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
        # SQLite's connections must not be carried into a forked process.
        self._store.close()
        with nullcontext() if self._is_forking else without_main():
            process.start()
        return process

    def _keep_spare(self) -> None:
        """Have a worker ready for the next job, where there is a place for one."""
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
        """See to every worker: cancel it, or classify how it ended."""
        workers = self._store.slots.workers()
        # Of these no store knows any more: it was removed, and made anew by a server.
        for job_id in self._children.keys() - workers.keys():
            self._watch_child(job_id, self._children[job_id], None)
        for job_id, entry in workers.items():
            dispatcher = Process.from_list(entry["dispatcher"])
            if job_id in self._children:
                self._watch_child(job_id, self._children[job_id], entry["deadline"])
            elif dispatcher == self._me or not dispatcher.is_alive():
                worker = self._store.slots.adopt(job_id, self._me)
                self._watch_stranger(job_id, worker, entry["deadline"])

    def _watch_child(
        self, job_id: str, process: BaseProcess, deadline: float | None
    ) -> None:
        if process.exitcode is None:
            if not self._watchdog.must_end(job_id, deadline):
                return
            _kill(process)
            if process.exitcode is None:
                return  # it may take a while, and others are not to wait for it
        kill_group(_pid(process))
        # As long as the job has a place, the next dispatcher would see to the rest.
        self._end_orphans()
        self._bury(job_id, _describe_exit(process.exitcode))
        process.close()
        del self._children[job_id]

    def _watch_stranger(
        self, job_id: str, worker: Process | None, deadline: float | None
    ) -> None:
        """See to a worker whose dispatcher has died."""
        if worker is not None and worker.is_alive():
            if not self._watchdog.must_end(job_id, deadline):
                return
            worker.kill_tree()
        if worker is not None:
            kill_left_behind(worker, job_id)
        self._bury(
            job_id,
            "Its worker died. How is not known, since its dispatcher had died before.",
        )

    def _end_orphans(self) -> None:
        """End what jobs left behind: children that are no workers and not the app's."""
        workers = {_pid(process) for process in self._children.values()}
        if self._spare is not None:
            workers.add(_pid(self._spare.process))
        for pid in children() - workers - self._not_jobs:
            if not end_child(pid):
                logger.warning("Process %d, which a job left, can't be ended.", pid)
                self._not_jobs.add(pid)

    def _bury(self, job_id: str, how: str) -> None:
        """End the job of a worker that is gone, and free its place."""
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
        """Once in a while, clear away what has outlived its time."""
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + SWEEP_INTERVAL
        self._store.sweep()
        for code in self._store.registry.abandoned():
            self._store.drop_queue(
                code,
                "The code of the app has changed since the job was submitted.",
            )

    def _is_done(self) -> bool:
        """Resign if nobody wants this dispatcher and it has nothing to do."""
        if self._children or self._store.registry.has_clients(self._settings.code):
            return False
        mine = self._me.to_list()
        if any(
            item["dispatcher"] == mine for item in self._store.slots.workers().values()
        ):
            return False
        return self._store.resign(self._settings.code)

    def _stop(self, by: signal.Signals) -> None:
        """End every job at once: somebody stopped the dispatcher."""
        reason = f"It was stopped with the server, by {by.name}."
        self._kill_children()
        for job_id, entry in self._store.slots.workers().items():
            if entry["dispatcher"] != self._me.to_list():
                continue
            if job_id not in self._children and entry["worker"] is not None:
                Process.from_list(entry["worker"]).kill_tree()
            self._bury(job_id, reason)
        if by is signal.SIGINT:
            # Ctrl-C means all of it. Otherwise who is waiting waits for a restart.
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


def _pid(process: BaseProcess) -> int:
    return process.pid or 0  # None only before it was started


def _kill(process: BaseProcess) -> None:
    kill_tree(_pid(process))
    process.join(DYING)


def _describe_exit(exit_code: int | None) -> str:
    """Say in one line how a worker ended before its function did."""
    if exit_code is None or exit_code >= 0:
        return f"Its worker exited with code {exit_code} before the function returned."
    name = f"signal {-exit_code}"
    with suppress(ValueError):  # a real-time signal has no name
        name = signal.Signals(-exit_code).name
    hint = "; a system short of memory does that" if name == "SIGKILL" else ""
    return f"Its worker was killed by {name}{hint}."


def main() -> None:
    """Run a dispatcher with the settings on standard input.

    Exits with ``NO_STORE`` if the store can't be used, for a while at least.
    """
    settings = Settings.from_json(sys.stdin.buffer.read())
    try:
        Dispatcher(settings).run()
    except StoreError as error:
        logger.error("%s", error)
        # Whoever starts the next one is not to do so at once.
        time.sleep(TICK)
        sys.exit(NO_STORE)


if __name__ == "__main__":
    main()
