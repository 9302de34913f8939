"""The workers of a dispatcher: its children that run jobs."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import sys
from contextlib import nullcontext, suppress
from multiprocessing import resource_tracker
from multiprocessing.process import BaseProcess
from typing import Any

from ....running import runtime
from ...identity import Process
from ...processes import (
    DYING,
    adopt_orphans,
    children,
    end_child,
    kill_group,
    kill_tree,
)
from ...store.store import Store
from ..worker import inherited
from ..worker.app_code import without_main
from ..worker.spare_worker import SpareWorker
from ..worker.worker import PROCESS_NAME, enter_and_work
from .settings import Settings

logger = logging.getLogger("dash_long_components")


class Workers:
    """The workers that run or have exited, by the ids of their jobs.

    Args:
        settings: of the dispatcher.
        store: where the jobs are. Its connection closes before each fork.
    """

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._context: Any = multiprocessing.get_context(settings.start_method)
        self._processes: dict[str, BaseProcess] = {}
        self._spare: SpareWorker | None = None
        self._failures: dict[str, str] = {}
        #: Children that are neither workers nor orphans of a job.
        self._others: set[int] = set()

    def prepare(self) -> None:
        """Import the app, and get ready to fork."""
        self._failures = self._settings.app.load()
        runtime.get_ready()
        if self._is_forking:
            _warn_of(inherited.connections(self._settings.directory))
        adopt_orphans()
        if self._settings.start_method == "spawn" and sys.platform != "win32":
            # Otherwise multiprocessing starts it with the first worker.
            resource_tracker.ensure_running()
        self._others = children()
        # The collector writes to each object that it looks at. That would copy the
        # memory pages that workers share.
        gc.collect()
        gc.freeze()

    def jobs(self) -> set[str]:
        """Return the ids of the jobs that have a worker here."""
        return set(self._processes)

    def start(self, job_id: str, run: int) -> None:
        """Start a worker that does a run of a job.

        Raises:
            OSError: it can't be started.
        """
        spare, self._spare = self._spare, None
        if spare is not None and spare.take(job_id, run):
            self._processes[job_id] = spare.process
            return
        app = None if self._is_forking else self._settings.app
        process: BaseProcess = self._context.Process(
            target=enter_and_work,
            args=(
                self._store,
                job_id,
                run,
                app,
                self._failures,
                self._settings.results,
            ),
            name=PROCESS_NAME,
        )
        # A forked process must not inherit a connection of SQLite.
        self._store.close()
        with nullcontext() if self._is_forking else without_main():
            process.start()
        self._processes[job_id] = process

    def keep_spare(self) -> None:
        """Fork a worker for the next job, if that one will find a free slot."""
        has_place = len(self._processes) < self._settings.sizes.total
        if self._is_forking and has_place and self._spare is None:
            self._store.close()
            with suppress(OSError):
                self._spare = SpareWorker(
                    self._context, self._store, self._failures, self._settings.results
                )

    def exit_code(self, job_id: str) -> int | None:
        """Return the exit code of a job's worker; None while it runs."""
        return self._processes[job_id].exitcode

    def has(self, job_id: str, worker: Process) -> bool:
        """Return whether a process is the worker of a job here, which runs."""
        return worker.is_here and worker.pid == _pid(self._processes[job_id])

    def kill(self, job_id: str) -> None:
        """Kill the worker of a job with its descendants, and wait a moment for it."""
        process = self._processes[job_id]
        kill_tree(_pid(process))
        process.join(DYING)

    def kill_orphans_of(self, job_id: str) -> None:
        """Kill the orphans of a job's dead worker."""
        kill_group(_pid(self._processes[job_id]))
        self.kill_orphans()

    def kill_orphans(self) -> None:
        """Kill the programs of jobs whose worker is gone: they are children now."""
        workers = {_pid(process) for process in self._processes.values()}
        if self._spare is not None:
            workers.add(_pid(self._spare.process))
        for pid in children() - workers - self._others:
            if not end_child(pid):
                logger.warning("Process %d of an ended job can't be killed.", pid)
                self._others.add(pid)

    def forget(self, job_id: str) -> None:
        """Forget the worker of a job, which has exited."""
        self._processes.pop(job_id).close()

    def dismiss_spare(self) -> None:
        """End the worker that waits for a job, if there is one. Idempotent."""
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.dismiss()

    @property
    def _is_forking(self) -> bool:
        return self._settings.start_method == "fork"


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
