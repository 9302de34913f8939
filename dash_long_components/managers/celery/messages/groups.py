"""Groups on Celery: jobs that may not run yet stay away from the broker.

A worker that takes a message can't give its slot to another job. So a job of a group
is sent when it may run: by the process that submits it, by the worker of a job that
ends, or by any other that reads the group. Workers do that at every renewal of their
lease, so no job waits for a process that has died.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, auto

from ....core.groups import Group
from ....core.queueing import QueuedJob
from ..documents.deliveries import Delivery
from ..documents.documents import UNORDERED, Documents
from .recovery import delivery_key

#: Seconds for which a process does not read a group again, nor looks after it.
_FRESH = 1.0

#: Seconds after which the document of a group is written again while its jobs run.
_KEEP = 60.0

#: The list of all groups.
_ALL = "dash-long-jobs.groups"

#: The groups that one process looks after at most.
_MAX_GROUPS = 1000


class Readiness(Enum):
    """The state of a job that its group would let run."""

    READY = auto()  #: it may run
    WAITS = auto()  #: it waits for its turn in a lane, an equal job, or an operator
    OVER = auto()  #: it has ended or expired, or its record is gone


class Membership(Enum):
    """The relation of a job to its group."""

    WAITING = auto()  #: it waits
    ADMITTED = auto()  #: it was sent, or is about to be
    NONE = auto()  #: the group does not know it


class _Changing(threading.local):
    """The groups that this thread changes.

    It reads their jobs meanwhile. That read must not change the group again.
    """

    def __init__(self) -> None:
        self.names: set[str] = set()

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        self.names.add(name)
        try:
            yield
        finally:
            self.names.discard(name)


class Groups:
    """The groups of a result backend.

    Args:
        documents: where to store them.
        gone: returns those of several jobs whose functions do not run any more.
        readiness: of a job that is held back.
        send: sends a job for the first time. It must not raise.
    """

    def __init__(
        self,
        documents: Documents,
        gone: Callable[[Sequence[str]], Iterable[str]],
        readiness: Callable[[str], Readiness],
        send: Callable[[str], None],
    ) -> None:
        self._documents = documents
        self._gone = gone
        self._readiness = readiness
        self._send = send
        self._read: dict[str, tuple[float, Group]] = {}
        self._advanced: dict[str, float] = {}
        self._changing = _Changing()

    def enter(self, name: str, job: QueuedJob) -> bool:
        """Add a job to a group. Atomic where updates are. Sends others that may run.

        Returns:
            Whether it may run now: the caller sends it.
        """
        self._documents.list_in([_ALL], name, UNORDERED)
        admitted = self._change(name, lambda group: group.enter(job))
        self._send_all(each for each in admitted if each != job.id)
        return job.id in admitted

    def leave(self, name: str, job_id: str) -> None:
        """Take a job out of its group, and send those that may run. Idempotent."""
        self._send_all(self._change(name, lambda group: group.leave(job_id)))

    def advance(self, name: str) -> None:
        """Send the jobs of a group that may run. Idempotent."""
        self._advanced[name] = time.monotonic()
        self._send_all(self._change(name, lambda group: group))

    def membership(self, name: str, job_id: str) -> Membership:
        """Return how a job is related to its group. Looks after the group."""
        group = self.get(name)
        if any(job.id == job_id for job in group.admitted):
            return Membership.ADMITTED
        if self._is_stale(name, _FRESH) and name not in self._changing.names:
            self.advance(name)
        is_waiting = any(job.id == job_id for job in group.waiting)
        return Membership.WAITING if is_waiting else Membership.NONE

    def look_after_all(self) -> None:
        """Send the jobs of all groups that may run."""
        for name in self._documents.listed(_ALL, 0, _MAX_GROUPS):
            group = self.get(name)
            # The backend must not drop the document while its jobs run.
            if group.waiting or (group.admitted and self._is_stale(name, _KEEP)):
                self.advance(name)

    def _is_stale(self, name: str, seconds: float) -> bool:
        return time.monotonic() - self._advanced.get(name, float("-inf")) > seconds

    def get(self, name: str) -> Group:
        """Return a group as it is now, or was a moment ago."""
        at, group = self._read.get(name, (float("-inf"), Group()))
        if time.monotonic() - at > _FRESH:
            group = Group.from_text(self._documents.read(_key(name)))
            self._read[name] = (time.monotonic(), group)
        return group

    def _change(self, name: str, edit: Callable[[Group], Group]) -> list[str]:
        """Change a group, and admit the jobs that may run then."""
        admitted: list[str] = []

        def change(text: str | None) -> str:
            nonlocal admitted
            group = edit(Group.from_text(text))
            for job_id in self._gone([job.id for job in group.admitted]):
                group = group.leave(job_id)
            group, admitted = self._admit(group)
            return group.to_text()

        with self._changing.of(name):
            self._documents.update(_key(name), change)
        self._read.pop(name, None)
        return admitted

    def _admit(self, group: Group) -> tuple[Group, list[str]]:
        admitted: list[str] = []
        skipped: set[str] = set()
        while (job := group.next(skipped)) is not None:
            match self._readiness(job.id):
                case Readiness.OVER:
                    group = group.leave(job.id)
                case Readiness.WAITS:
                    skipped.add(job.id)
                case Readiness.READY:
                    # Before it is admitted: readers look for its message from then on.
                    delivery = Delivery(at=time.time())
                    self._documents.write(delivery_key(job.id), delivery.to_text())
                    group = group.admit(job)
                    admitted.append(job.id)
        return group, admitted

    def _send_all(self, job_ids: Iterable[str]) -> None:
        for job_id in job_ids:
            self._send(job_id)


def group_name(group: str) -> str:
    """Return the name of a group in the backend, which accepts few characters."""
    return hashlib.sha256(group.encode()).hexdigest()


def _key(name: str) -> str:
    return f"dash-long-jobs.group.{name}"
