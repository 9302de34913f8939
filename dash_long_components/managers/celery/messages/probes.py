"""Probes: messages that show which messages of a task before them are lost.

A probe has the route of the task, so that it is in the same queue. It does nothing
but arrive.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from ....core.versions import from_fields
from ..documents.deliveries import Message
from ..documents.documents import Documents

#: Factor by which the interval between two probes grows at most.
MAX_GROWTH = 16


@dataclass(frozen=True, kw_only=True)
class ProbeState:
    """The probes of one task.

    Attributes:
        sent: number of the last one that was sent, from 1; 0 if none was.
        at: when that was, in seconds since the epoch.
        passed: number of the last one that has arrived.
        lost: number of the last one that the broker did not accept, or that was sent
            before a worker started.
    """

    sent: int = 0
    at: float = 0.0
    passed: int = 0
    lost: int = 0

    @classmethod
    def from_text(cls, text: str | None) -> ProbeState:
        return from_fields(cls, json.loads(text)) if text else cls()

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @property
    def under_way(self) -> int:
        """How many may be in the queue."""
        return self.sent - max(self.passed, self.lost)


class Probes:
    """Sends probes, and knows which have arrived.

    Args:
        documents: where that is stored.
        interval: seconds between the first two probes of a task.
        send: sends a probe after a message, by its number, and returns whether the
            broker has accepted it. It must not raise.
    """

    def __init__(
        self,
        documents: Documents,
        interval: float,
        send: Callable[[Message, int], bool],
    ) -> None:
        self._documents = documents
        self._interval = interval
        self._send = send
        self._known: dict[str, tuple[float, ProbeState]] = {}

    def state(self, task: str) -> ProbeState:
        """Return the state of a task's probes as it is now, or was a moment ago."""
        now = time.monotonic()
        at, state = self._known.get(task, (None, ProbeState()))
        if at is None or now - at > min(1.0, self._interval / 3):
            state = ProbeState.from_text(self._documents.read(_key(task)))
            self._known[task] = (now, state)
        return state

    def ensure(self, message: Message, number: int) -> None:
        """Send a probe, unless one with this number or a later one was sent lately."""
        task, now = message.task, time.time()
        if not self._is_due(self.state(task), number, now):
            return
        due: ProbeState | None = None

        def change(text: str | None) -> str:
            nonlocal due
            state, due = ProbeState.from_text(text), None
            if self._is_due(state, number, now):
                state = due = replace(state, sent=state.sent + 1, at=now)
            return state.to_text()

        self._documents.update(_key(task), change)
        if due is not None and not self._send(message, due.sent):
            _lose(self._documents, task, due.sent)
        self._known.pop(task, None)

    def _is_due(self, state: ProbeState, number: int, now: float) -> bool:
        # More and more rarely while none arrives, for a queue may be long.
        growth = 2 ** max(0, state.under_way - 1)
        interval = self._interval * min(growth, MAX_GROWTH)
        # The clock of another server may be ahead.
        is_recent = 0 <= now - state.at < interval
        return state.passed < number and not is_recent


def arrived(documents: Documents, task: str, number: int) -> None:
    """Note that a probe has arrived at a worker."""

    def change(text: str | None) -> str:
        state = ProbeState.from_text(text)
        return replace(state, passed=max(state.passed, number)).to_text()

    documents.update(_key(task), change)


def hasten(documents: Documents, tasks: Sequence[str]) -> None:
    """Let readers send the next probe of each task soon: a worker has started."""
    texts = documents.read_many([_key(task) for task in tasks])
    for task, text in zip(tasks, texts, strict=True):
        state = ProbeState.from_text(text)
        if state.under_way > 1:
            _lose(documents, task, state.sent)


def _lose(documents: Documents, task: str, number: int) -> None:
    """Count on no probe up to a number."""

    def change(text: str | None) -> str:
        state = ProbeState.from_text(text)
        return replace(state, lost=max(state.lost, number)).to_text()

    documents.update(_key(task), change)


def _key(task: str) -> str:
    return f"dash-long-jobs.probes.{hashlib.sha256(task.encode()).hexdigest()}"
