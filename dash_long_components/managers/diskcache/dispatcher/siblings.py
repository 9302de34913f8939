"""Ends dispatchers of other code that hang: their own servers may be gone."""

from __future__ import annotations

import logging

from ...identity import Process
from ...processes import kill_alone
from ...store.heartbeats import MISSED
from ...store.registry import Registry
from .write_lock import is_stopped_in_write

logger = logging.getLogger("dash_long_components")


class Siblings:
    """The dispatchers of other versions of the code on this host.

    The servers of the same code watch each dispatcher. After an upgrade none is left,
    and the jobs of a dispatcher that hangs would have no timeout and no cancel. Once it
    is dead, any other dispatcher takes its jobs over.

    Args:
        registry: of the store that they share.
        me: the dispatcher that looks.
    """

    def __init__(self, registry: Registry, me: Process) -> None:
        self._registry = registry
        self._me = me
        self._missed: dict[tuple[Process, float], int] = {}

    def look(self) -> None:
        """Kill those that hang. Call it at each heartbeat of this process."""
        before, self._missed = self._missed, {}
        for each in self._registry.dispatchers().values():
            # One that imports its app sends no heartbeats.
            if each.process == self._me or each.tasks is None:
                continue
            heartbeat = (each.process, each.heartbeat)
            missed = self._missed[heartbeat] = before.get(heartbeat, -1) + 1
            if missed >= MISSED:
                _kill(each.process, "has not responded")

    def end_stopped_writes(self) -> None:
        """Kill those that were stopped while they had the store locked."""
        for each in self._registry.dispatchers().values():
            if each.process != self._me and is_stopped_in_write(each.process.pid):
                _kill(each.process, "was stopped in a write to the job store")


def _kill(dispatcher: Process, reason: str) -> None:
    if kill_alone(dispatcher):
        logger.error(
            "The dispatcher of another version of the app's code (process %d) %s. This "
            "one takes over its running jobs.",
            dispatcher.pid,
            reason,
        )
