"""What jobs leave behind when a process of the pool dies: their own processes."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Collection
from typing import Any

from celery import bootsteps
from celery.concurrency.prefork import TaskPool as PreforkPool

from ..identity import Process
from ..processes import adopt_orphans, children, collect, end_child, kill_group

logger = logging.getLogger("dash_long_components")

#: Seconds between two looks.
_INTERVAL = 1.0


class Orphans:
    """Ends the descendants of a pool's process that was killed.

    Linux gives them to the worker's main process, which has adopted them beforehand;
    elsewhere they are found by their process group, and on Windows not at all.

    Args:
        members: returns the ids of the pool's processes.
    """

    def __init__(self, members: Callable[[], Collection[int]]) -> None:
        self._members = members
        self._seen: set[int] = set()
        self._alive: set[int] = set()
        self._children: set[int] = set()
        # One look back: a process may die between the two things that are looked at.
        self._lately_new: set[int] = set()
        self._lately_changed = False
        self.look()
        # What was there before is nobody's stray, and that was no change.
        self._lately_new, self._lately_changed = set(), False

    def look(self) -> None:
        """End those that have appeared with the death of a member."""
        members = self._current()
        alive = {pid for pid in members if _is_alive(pid)}
        # Where a member has come, one has gone that may never have been seen.
        has_changed = alive != self._alive or members != self._seen
        found = children()
        new = found - self._children - members
        if self._seen and (has_changed or self._lately_changed):
            # Not those that came to the pool since it was looked at.
            for pid in (new | self._lately_new) - self._current():
                _end(pid)
        if sys.platform != "linux":
            for pid in self._alive - alive:
                kill_group(pid)
        self._seen, self._alive, self._children = members, alive, found
        self._lately_new, self._lately_changed = new, has_changed

    def _current(self) -> set[int]:
        return {pid for pid in self._members() if pid}


class Leftovers:
    """What the jobs of a pool's process have left running in it.

    The process has adopted it: nobody else collects what exits, and it would be a
    zombie for as long as the process lives.
    """

    def __init__(self) -> None:
        self._not_theirs: set[int] | None = None

    def look(self) -> set[int]:
        """Return what goes on, and collect what has exited.

        What is there at the first look, before there was a job, is none of theirs.
        """
        found = children()
        if self._not_theirs is None:
            self._not_theirs = found
        return {pid for pid in found - self._not_theirs if not collect(pid)}


def lead_group() -> None:
    """Let this process's descendants be told from those of the worker's main process.

    What billiard ends by its time limits, it then ends with its group.
    """
    if sys.platform != "win32" and os.getpgrp() != os.getpid():
        os.setpgid(0, 0)


class OrphanStep(bootsteps.StartStopStep):
    """Has a worker of Celery end the orphans of its pool."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._stopped = threading.Event()

    def start(self, worker: Any) -> None:
        if isinstance(worker.pool, PreforkPool):
            adopt_orphans()
            pool: Any = worker.pool
            orphans = Orphans(lambda: [member.pid for member in pool._pool._pool])
            threading.Thread(
                target=self._watch,
                args=(orphans,),
                name="dash-long-jobs-orphans",
                daemon=True,
            ).start()

    def stop(self, worker: Any) -> None:
        self._stopped.set()

    def _watch(self, orphans: Orphans) -> None:
        while not self._stopped.wait(_INTERVAL):
            orphans.look()


def _end(pid: int) -> None:
    """End a child that is in another group than this process: no one started by it."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(ProcessLookupError):
        if os.getpgid(pid) == os.getpgrp():
            return
    # billiard waits for its own processes only, one by one.
    if not end_child(pid):
        logger.warning("Process %d, which a job left, can't be ended.", pid)


def _is_alive(pid: int) -> bool:
    try:
        return Process.of(pid).is_alive()
    except ProcessLookupError:
        return False
