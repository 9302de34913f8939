"""The part of a manager by which operators pause tasks and drain a job store."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable
from typing import Any

from ...core.halts import Halts
from ...core.search import Search
from ...exceptions import DrainingError, UnknownTaskError
from ...running import tasks
from .operating import Operating

#: Seconds for which a server does not look again whether a drain has begun.
_FRESH = 1.0


class Halting(Operating):
    """Lets the jobs of tasks wait, and refuses new jobs."""

    _draining_until = 0.0
    _look_again = 0.0

    def halts(self) -> Halts:
        """Return the halts: paused tasks, and the drain.

        Raises:
            StoreError: the job store can't be used.
        """
        return Halts()

    def change_halts(self, change: Callable[[Halts], Halts]) -> Halts:
        """Change the halts, and return them. Atomic.

        Jobs of paused tasks wait, on all servers and workers of this job store.

        Raises:
            NotImplementedError: this manager can't halt jobs.
            StoreError: the job store can't be used.
        """
        raise NotImplementedError(f"{type(self).__name__} can't halt jobs.")

    def pause(
        self, task: str | Callable[..., Any], *others: str | Callable[..., Any]
    ) -> None:
        """Let the jobs of tasks wait until ``resume``. Those that run go on.

        Args:
            task: its name as ``module.function``, or the function.
            others: tasks to pause with it.

        Raises:
            UnknownTaskError: this process has not imported one of them, and the job
                store has no jobs of it. None is paused.
            StoreError: the job store can't be used.
        """
        known = [self._known_name(each) for each in (task, *others)]
        self.change_halts(lambda halts: halts.pause(*known))

    def resume(self, task: str | Callable[..., Any] | None = None) -> None:
        """Let the jobs of a paused task run again.

        Args:
            task: its name, or the function; None for all tasks, and to end a drain.

        Raises:
            UnknownTaskError: as for ``pause``, and the task is not paused.
            StoreError: the job store can't be used.
        """
        name = None if task is None else self._known_name(task)
        self.change_halts(lambda halts: halts.resume(name))

    def _known_name(self, task: str | Callable[..., Any]) -> str:
        """Return the name of a task.

        Raises:
            UnknownTaskError: there is no such task.
        """
        name = tasks.name_of(task) if callable(task) else task
        if tasks.of_name(name) or name in (paused := self.halts().paused):
            return name
        if self.look_for(Search(task=name, limit=1)):
            return name
        known = {*paused, *tasks.names(), *(other for other, _ in self.count_jobs())}
        raise UnknownTaskError.of(name, difflib.get_close_matches(name, known))

    def drain(self, seconds: float = 300.0) -> None:
        """Refuse to start jobs for some seconds, before a deployment.

        Pages say that the server is about to restart, and offer to retry. Jobs that
        wait or run go on. Those with ``retries`` stop at their next checkpoint, and go
        on after the drain, with the new workers. Servers notice within a second.

        Args:
            seconds: how many seconds until jobs can be started again. So a drain that
                no one ends is no outage. A drain that lasts longer goes on; 0 ends it.

        Raises:
            StoreError: the job store can't be used.
        """
        until = time.time() + seconds if seconds else 0.0
        self.change_halts(lambda halts: halts.drain(until))

    def check_not_draining(self) -> None:
        """Check that jobs can be started.

        Raises:
            DrainingError: they can't.
            StoreError: the job store can't be used.
        """
        now = time.monotonic()
        if now >= self._look_again:
            self._draining_until = self.halts().draining_until
            self._look_again = now + _FRESH
        if time.time() < self._draining_until:
            raise DrainingError("The job store is drained. Retry, or call resume().")
