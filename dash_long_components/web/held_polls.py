"""Polls that wait for news on an asynchronous server, and what wakes them."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..bridge.event_loop import Wakeup
from ..core.snapshots import Snapshot
from ..exceptions import StoreError
from ..managers.base import LongCallbackManager, Watch

logger = logging.getLogger("dash_long_components")

#: Polls that one process holds. Further ones are answered at once.
MAX_HELD = 10_000

#: Seconds between two looks at all held jobs: what no watch notices, such as places in
#: the queue and dead workers. Longer where a look takes long.
LOOK = 2.0

#: The share of the time that a thread may spend on looks, of each kind.
WATCH_SHARE, LOOK_SHARE = 0.05, 0.01

#: Seconds for which a thread without polls waits for the next one.
LINGER = 5.0

#: Seconds without looks after a manager did not respond.
REST = 1.0


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A job that a page waits for.

    Attributes:
        manager: of the job.
        ticket: of the page.
        shown: what the page shows of the job.
    """

    manager: LongCallbackManager
    ticket: str
    shown: Snapshot


class HeldPoll:
    """A poll that waits for news.

    Args:
        readings: the jobs of the page.
        wakeup: wakes the request.
    """

    def __init__(self, readings: Sequence[Reading], wakeup: Wakeup) -> None:
        self.readings = readings
        self.wakeup = wakeup


class HeldPolls:
    """The held polls of one app in this process.

    Attributes:
        count: how many there are.
    """

    def __init__(self) -> None:
        self.count = 0
        self._watchers: dict[LongCallbackManager, _Watcher] = {}
        self._lock = threading.Lock()

    @property
    def has_room(self) -> bool:
        """Whether this process can hold another poll."""
        return self.count < MAX_HELD

    def add(self, poll: HeldPoll) -> None:
        """Wake a poll when there is news of its jobs. Never blocks for long."""
        with self._lock:
            self.count += 1
            watchers = self._watchers_of(poll)
        for watcher in watchers:
            watcher.add(poll)

    def remove(self, poll: HeldPoll) -> None:
        """Forget a poll. Never blocks for long."""
        with self._lock:
            self.count -= 1
            watchers = self._watchers_of(poll)
        for watcher in watchers:
            watcher.remove(poll)

    def _watchers_of(self, poll: HeldPoll) -> list[_Watcher]:
        managers = {reading.manager for reading in poll.readings}
        return [
            self._watchers.setdefault(manager, _Watcher(manager))
            for manager in managers
        ]


class _Watcher:
    """Watches the jobs of one manager, in a thread that lives while polls are held.

    Args:
        manager: which one.
    """

    def __init__(self, manager: LongCallbackManager) -> None:
        self._manager = manager
        self._lock = threading.Lock()
        #: Polls that the thread does not know of yet: whether each has come or gone.
        self._changes: deque[tuple[HeldPoll, bool]] = deque()
        self._has_changed = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, poll: HeldPoll) -> None:
        self._note(poll, has_come=True)

    def remove(self, poll: HeldPoll) -> None:
        self._note(poll, has_come=False)

    def _note(self, poll: HeldPoll, has_come: bool) -> None:
        with self._lock:
            self._changes.append((poll, has_come))
            self._has_changed.set()
            if has_come and self._thread is None:
                self._thread = threading.Thread(
                    target=self._watch, name="dash-long-jobs-watcher", daemon=True
                )
                self._thread.start()

    def _watch(self) -> None:
        jobs = _HeldJobs(self._manager)
        try:
            while True:
                with self._lock:
                    if not (jobs or self._changes):
                        self._thread = None
                        return
                    changes = list(self._changes)
                    self._changes.clear()
                    self._has_changed.clear()
                for poll, has_come in changes:
                    if has_come:
                        jobs.add(poll)
                    else:
                        jobs.remove(poll)
                pause = jobs.look()
                if jobs:
                    time.sleep(pause)
                else:
                    self._has_changed.wait(LINGER)
        finally:
            jobs.close()


class _HeldJobs:
    """The jobs of the held polls of one manager. One thread uses it."""

    def __init__(self, manager: LongCallbackManager) -> None:
        self._manager = manager
        self._watch: Watch | None = None
        #: What each poll shows of each job, by ticket. Mostly a ticket has one poll.
        self._shown: dict[str, dict[HeldPoll, Snapshot]] = {}
        #: The oldest cursor of each ticket.
        self._cursors: dict[str, int] = {}
        #: Tickets that the watch does not know yet.
        self._new: set[str] = set()
        self._due = 0.0

    def __bool__(self) -> bool:
        return bool(self._shown)

    def add(self, poll: HeldPoll) -> None:
        for reading in poll.readings:
            if reading.manager is self._manager:
                polls = self._shown.setdefault(reading.ticket, {})
                polls[poll] = reading.shown
                self._new.add(reading.ticket)
                self._count(reading.ticket)

    def remove(self, poll: HeldPoll) -> None:
        """Forget a poll. Idempotent."""
        for reading in poll.readings:
            polls = self._shown.get(reading.ticket, {})
            if polls.pop(poll, None) is not None:
                self._count(reading.ticket)

    def _count(self, ticket: str) -> None:
        polls = self._shown[ticket]
        if polls:
            self._cursors[ticket] = min(shown.cursor for shown in polls.values())
        else:
            del self._shown[ticket], self._cursors[ticket]
            self._new.discard(ticket)

    def look(self) -> float:
        """Wake the polls of jobs with news. Return seconds until the next look."""
        if not self:
            return 0.0
        began = time.monotonic()
        try:
            if self._watch is None:
                self._watch = self._manager.watch()
            new, self._new = self._new, set()
            self._wake(self._watch.changed(self._cursors, new))
            pause = max(self._watch.pause, _took(began) / WATCH_SHARE)
            if time.monotonic() >= self._due:
                began = time.monotonic()
                self._look_at_all()
                self._due = began + max(LOOK, _took(began) / LOOK_SHARE)
        except Exception as error:
            if not isinstance(error, StoreError):
                logger.exception("The jobs of held polls can't be watched.")
            # Each poll asks for itself, and its answer says what is wrong.
            self.close()
            self._wake(list(self._shown))
            return REST
        return pause

    def _look_at_all(self) -> None:
        """Read all jobs as a poll does: that notices what has happened to a worker."""
        readings = list(self._cursors.items())
        snapshots = self._manager.read_all(readings)
        self._wake(
            [
                ticket
                for (ticket, _), snapshot in zip(readings, snapshots, strict=True)
                if snapshot is None
                or any(map(snapshot.outdates, self._shown[ticket].values()))
            ]
        )

    def _wake(self, tickets: Iterable[str]) -> None:
        for ticket in tickets:
            for poll in list(self._shown.get(ticket, ())):
                self.remove(poll)
                poll.wakeup.set()

    def close(self) -> None:
        """Release what the watch holds. Idempotent."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.close()


def _took(began: float) -> float:
    return time.monotonic() - began
