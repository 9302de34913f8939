"""Orphans: processes that jobs have started and left behind."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import psutil
from celery import bootsteps
from celery.concurrency.prefork import TaskPool as PreforkPool

from ... import cgroups
from ...identity import Process
from ...processes import (
    DYING,
    adopt_orphans,
    children,
    collect,
    end_child,
    kill_group,
    kill_tree,
)
from .going_on import going_on

logger = logging.getLogger("dash_long_components")

#: Seconds between two looks.
_INTERVAL = 1.0

#: Environment variable of the programs that jobs start: the worker's main process.
_MARK = "DASH_LONG_WORKER"

#: Name of the control groups of workers.
_GROUP = "celery"

_NOT_ENDED = "Could not end process %d, which a job has left behind."

#: Processes that multiprocessing keeps for later use. Their ids are in a module, in an
#: attribute of a variable.
_HELPERS = (
    ("multiprocessing.resource_tracker", "_resource_tracker", "_pid"),
    ("multiprocessing.forkserver", "_forkserver", "_forkserver_pid"),
)


@dataclass(frozen=True, kw_only=True)
class _Sight:
    """What one look at the processes of a pool shows.

    Attributes:
        members: ids of the pool processes.
        alive: those of them that live.
        children: the children of the worker's main process.
    """

    members: frozenset[int] = frozenset()
    alive: frozenset[int] = frozenset()
    children: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class _Change:
    """What has changed between two looks.

    Attributes:
        has_come: children that are not of the pool.
        is_of_pool: whether a pool process has died or was replaced.
    """

    has_come: frozenset[int] = frozenset()
    is_of_pool: bool = False

    @classmethod
    def between(cls, before: _Sight, now: _Sight) -> _Change:
        # A new pool process replaces one that no look may have shown.
        is_of_pool = before.alive != now.alive or before.members != now.members
        return cls(
            has_come=now.children - before.children - now.members,
            is_of_pool=is_of_pool,
        )


class PoolOrphans:
    """Ends the descendants of a pool process that was killed.

    On Linux the worker's main process becomes their parent. Elsewhere their process
    group finds them; on Windows nothing does.

    Args:
        members: returns the ids of the pool processes.
    """

    def __init__(self, members: Callable[[], Collection[int]]) -> None:
        self._members = members
        # Children from before the pool are not orphans.
        self._last = self._see()
        self._last_change = _Change()

    def look(self) -> None:
        """End the processes that have appeared with the death of a pool process."""
        before, self._last = self._last, self._see()
        change = _Change.between(before, self._last)
        # A process may die between the two parts of one look: then one look shows its
        # death, and the next one its orphans, or the other way round.
        recent = (self._last_change, change)
        if before.members and any(each.is_of_pool for each in recent):
            come = frozenset().union(*(each.has_come for each in recent))
            # Except those that have joined the pool since it was looked at.
            for pid in come - self._current():
                _end(pid)
        if sys.platform != "linux":
            for pid in before.alive - self._last.alive:
                kill_group(pid)
        self._last_change = change

    def _see(self) -> _Sight:
        members = self._current()
        return _Sight(
            members=members,
            alive=frozenset(pid for pid in members if _is_alive(pid)),
            children=frozenset(children()),
        )

    def _current(self) -> frozenset[int]:
        return frozenset(pid for pid in self._members() if pid)


class JobOrphans:
    """The processes that jobs have left behind in their pool process.

    The pool process is their parent. No one else collects those that exit: they would
    be zombies for as long as it lives.
    """

    def __init__(self) -> None:
        self._not_theirs: set[int] | None = None

    def look(self) -> set[int]:
        """Return the processes that still run, and collect those that have exited.

        Processes that are there at the first look, before any job, do not count.
        """
        found = children()
        if self._not_theirs is None:
            self._not_theirs = found
        return {pid for pid in found - self._not_theirs if not collect(pid)}

    def end(self, before: Collection[int]) -> None:
        """End the processes that have come since another look."""
        until = time.monotonic() + DYING
        # The children of a dying process become children of this one.
        while left := self.look() - set(before) - _helpers():
            for pid in left:
                if not end_child(pid) or time.monotonic() > until:
                    logger.warning(_NOT_ENDED, pid)
                    return


def lead_group() -> None:
    """Make this process the leader of a process group, for its descendants.

    Billiard ends the whole group when a time limit is over.
    """
    if sys.platform != "win32" and os.getpgrp() != os.getpid():
        os.setpgid(0, 0)


@contextlib.contextmanager
def marked(worker: int) -> Iterator[None]:
    """Mark the programs that this process starts with the worker that it belongs to.

    Args:
        worker: id of the worker's main process.
    """
    with contextlib.suppress(ProcessLookupError):
        os.environ[_MARK] = str(Process.of(worker))
    try:
        yield
    finally:
        os.environ.pop(_MARK, None)


def end_those_of_dead_workers() -> None:
    """End the programs of jobs whose worker was killed with all its processes."""
    for pid in psutil.pids():
        # The files of a process that is just ending may be missing one by one.
        with contextlib.suppress(psutil.Error, OSError, ValueError):
            mark = psutil.Process(pid).environ().get(_MARK)
            worker = Process.from_text(mark) if mark else None
            # The state of a worker in another container is not known here.
            if worker is not None and worker.is_here and not worker.is_alive():
                kill_tree(pid)


class OrphanStep(bootsteps.StartStopStep):
    """A step of Celery's workers that ends the orphans of the pool."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._stopped = threading.Event()
        if issubclass(worker.pool_cls, PreforkPool):
            cgroups.end_dead(_GROUP)
            # Before the pool is forked.
            cgroups.enter(_GROUP)

    def start(self, worker: Any) -> None:
        if isinstance(worker.pool, PreforkPool):
            end_those_of_dead_workers()
            adopt_orphans()
            pool: Any = worker.pool
            orphans = PoolOrphans(lambda: [member.pid for member in pool._pool._pool])
            threading.Thread(
                target=self._watch,
                args=(orphans,),
                name="dash-long-jobs-orphans",
                daemon=True,
            ).start()

    def stop(self, worker: Any) -> None:
        self._stopped.set()

    def _watch(self, orphans: PoolOrphans) -> None:
        while not self._stopped.wait(_INTERVAL):
            with going_on("The search for orphans"):
                orphans.look()
                cgroups.end_dead(_GROUP)


def _end(pid: int) -> None:
    """End a child in another process group: this process has not started it."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(ProcessLookupError):
        if os.getpgid(pid) == os.getpgrp():
            return
    # Billiard collects only its own processes, one by one.
    if not end_child(pid):
        logger.warning(_NOT_ENDED, pid)


def _helpers() -> set[int]:
    """Return the processes that Python itself keeps for the next use."""
    found = {
        getattr(getattr(sys.modules.get(name), variable, None), attribute, None)
        for name, variable, attribute in _HELPERS
    }
    return {pid for pid in found if pid is not None}


def _is_alive(pid: int) -> bool:
    try:
        return Process.of(pid).is_alive()
    except ProcessLookupError:
        return False
