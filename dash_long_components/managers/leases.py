"""Leases: how readers tell a worker that is gone from one that is busy.

Every worker has one lease, whatever number of jobs it runs. It is renewed by the
worker's main process, so that a job that never lets go of the interpreter lock in a
process of its own is not taken for dead.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any

import celery
from celery import bootsteps

from ..exceptions import StoreUnavailableError
from .documents import Documents

logger = logging.getLogger("dash_long_components")

#: Seconds for which a reader takes what it has read of a lease for true, at most.
_FRESH = 1.0

#: How many lease periods without renewal it takes. With the time in which a reader
#: comes to see that, it is three at most.
_PERIODS = 2


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A worker, from its start to its end.

    Attributes:
        id: random, so that a worker that is started again is another one.
        pid: of its main process.
    """

    id: str
    pid: int


_holder: Holder | None = None

#: Held while a lease is written. The worker must not fork a process of its pool in the
#: middle of that: SQLite for one would think for ever that the child holds its lock.
_no_fork = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_no_fork.acquire,
        after_in_parent=_no_fork.release,
        after_in_child=_no_fork.release,
    )


def holder() -> Holder | None:
    """Return the worker that this process belongs to, or None outside of workers."""
    return _holder


def step(lease: float) -> type[bootsteps.StartStopStep]:
    """Return a step for Celery's workers that renews their lease every few seconds."""

    class LeaseStep(bootsteps.StartStopStep):
        """Names the worker before it forks its pool, and keeps its lease."""

        def __init__(self, worker: Any, **options: Any) -> None:
            global _holder
            super().__init__(worker, **options)
            _holder = Holder(id=secrets.token_urlsafe(16), pid=os.getpid())

        def start(self, worker: Any) -> None:
            assert _holder is not None
            threading.Thread(
                target=_renew,
                args=(worker.app, _holder.id, lease),
                name="dash-long-jobs-lease",
                daemon=True,
            ).start()

    return LeaseStep


def _renew(app: celery.Celery, holder_id: str, lease: float) -> None:
    documents = Documents(app)
    beat = 0
    while True:
        beat += 1
        text = json.dumps({"beat": beat, "lease": lease})
        try:
            with _no_fork:
                documents.write(_key(holder_id), text)
        except StoreUnavailableError as error:
            logger.warning("%s", error)
        time.sleep(lease / 3)


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """What a reader has seen of a lease.

    Attributes:
        beat: changes with every renewal.
        lease: seconds.
        at: by the reader's own clock; no two machines' clocks are compared.
        quiet: seconds for which the reader has seen no renewal.
    """

    beat: int | None
    lease: float
    at: float
    quiet: float

    @property
    def is_over(self) -> bool:
        return self.quiet >= _PERIODS * self.lease


class Leases:
    """Reads leases, at most once a second each, however many jobs hang on one."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._readings: dict[str, _Reading] = {}

    def is_over(self, holder_id: str) -> bool:
        """Tell whether a worker has not renewed its lease for too long.

        Raises:
            StoreUnavailableError: the backend does not answer.
        """
        last = self._readings.get(holder_id)
        if last and time.monotonic() - last.at < min(_FRESH, last.lease / 3):
            return last.is_over
        try:
            text = self._documents.read(_key(holder_id))
        except StoreUnavailableError:
            # The worker can't renew it either: begin anew.
            self._readings.pop(holder_id, None)
            raise
        now = time.monotonic()
        fields = json.loads(text) if text else {"beat": None, "lease": 10.0}
        quiet = 0.0
        if last and last.beat == fields["beat"]:
            # Between two readings that are far apart the backend may have been away.
            quiet = last.quiet + min(now - last.at, last.lease)
        reading = _Reading(**fields, at=now, quiet=quiet)
        self._readings[holder_id] = reading
        return reading.is_over


def _key(holder_id: str) -> str:
    return f"dash-long-jobs.lease.{holder_id}"
