"""Leases: how a reader tells a dead worker from a busy one.

Every worker has one lease for all its jobs. The worker's main process renews it, so
that a job in a pool process that never releases the interpreter lock does not look
dead.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import celery
from celery import bootsteps, signals

from ...exceptions import StoreUnavailableError
from .documents import Documents

#: Seconds for which a reader trusts its last reading of a lease, at most.
_FRESH = 1.0

#: Lease periods without renewal after which a worker is dead. With the time until a
#: reader notices, it is three at most.
_PERIODS = 2

#: Held while a process gets its lease.
_first = threading.Lock()

#: Held while a lease is written. The worker must not fork a pool process in the middle
#: of a write: SQLite, for one, would think for ever that the child holds its lock.
no_fork = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=no_fork.acquire,
        after_in_parent=no_fork.release,
        after_in_child=no_fork.release,
    )


class Lease:
    """The lease of the worker that this process belongs to.

    Attributes:
        id: random; another one after a restart of the worker.
        pid: of the worker's main process.
    """

    #: None outside of workers. Pool processes inherit it from the main process.
    current: Lease | None = None

    def __init__(self) -> None:
        self.id = secrets.token_urlsafe(16)
        self.pid = os.getpid()
        self._left = threading.Event()

    @classmethod
    def of_process(cls, app: celery.Celery, period: float) -> Lease:
        """Return the lease of this process. The first call begins to renew it."""
        with _first:
            if cls.current is None or cls.current.pid != os.getpid():
                cls.current = cls()
                cls.current.start(app, period)
            return cls.current

    def start(self, app: celery.Celery, period: float) -> None:
        """Renew the lease in a thread."""
        threading.Thread(
            target=self.renew,
            args=(app, period),
            name="dash-long-jobs-lease",
            daemon=True,
        ).start()

    def renew(self, app: celery.Celery, period: float) -> None:
        """Renew the lease until the worker ends or dies."""
        documents = Documents(app)
        for beat in itertools.count(1):
            with no_fork:
                if not self._left.is_set():
                    self._write(documents, beat=beat, period=period)
            if self._left.wait(period / 3):
                return

    def leave(self, app: celery.Celery) -> None:
        """Note that the worker has ended in good order."""
        self._left.set()
        with no_fork:
            self._write(Documents(app), beat=None, period=0)

    def _write(self, documents: Documents, **fields: float | None) -> None:
        with suppress(StoreUnavailableError):
            documents.write(_key(self.id), json.dumps(fields))


def step(period: float) -> type[bootsteps.StartStopStep]:
    """Return a step of Celery's workers that renews a lease of ``period`` seconds."""

    class LeaseStep(bootsteps.StartStopStep):
        """Gets a lease before the pool is forked, and renews it from then on."""

        def __init__(self, worker: Any, **options: Any) -> None:
            super().__init__(worker, **options)
            self._lease = Lease.current = Lease()

        def start(self, worker: Any) -> None:
            self._lease.start(worker.app, period)

    return LeaseStep


@signals.worker_shutdown.connect
def _leave(sender: Any, **_: Any) -> None:
    if Lease.current is not None:
        Lease.current.leave(sender.app)


class Tenure(Enum):
    """What a reader knows of a worker from its lease."""

    HOLDS = auto()  #: the worker renews it
    LEFT = auto()  #: the worker has ended in good order
    SILENT = auto()  #: the worker has not renewed it for too long


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What a reader has seen of a lease.

    Attributes:
        beat: changes with every renewal.
        period: seconds; 0 when the worker has left.
        at: when, by the reader's own clock. Clocks of two machines are not compared.
        quiet: seconds for which the reader has seen no renewal.
    """

    beat: int | None
    period: float
    at: float
    quiet: float

    @property
    def tenure(self) -> Tenure:
        if self.period == 0:
            return Tenure.LEFT
        is_over = self.quiet >= _PERIODS * self.period
        return Tenure.SILENT if is_over else Tenure.HOLDS


class Leases:
    """Reads leases, each at most once a second, however many jobs depend on it."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._readings: dict[str, _Reading] = {}

    def tenure(self, lease_id: str) -> Tenure:
        """Tell whether a worker is still there.

        Raises:
            StoreUnavailableError: the backend does not respond.
        """
        last = self._readings.get(lease_id)
        if last and time.monotonic() - last.at < min(_FRESH, last.period / 3):
            return last.tenure
        try:
            text = self._documents.read(_key(lease_id))
        except StoreUnavailableError:
            # The worker can't renew it either: measure from the beginning.
            self._readings.pop(lease_id, None)
            raise
        now = time.monotonic()
        fields = json.loads(text) if text else {"beat": None, "period": 10.0}
        quiet = 0.0
        if last and last.beat == fields["beat"]:
            # Between two distant readings the backend may have been away.
            quiet = last.quiet + min(now - last.at, last.period)
        reading = _Reading(**fields, at=now, quiet=quiet)
        self._readings[lease_id] = reading
        return reading.tenure


def _key(lease_id: str) -> str:
    return f"dash-long-jobs.lease.{lease_id}"
