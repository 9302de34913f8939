"""Leases: how a reader tells a dead worker from a busy one.

Every worker has one lease for all its jobs. The worker's main process renews it, so
that a job in a pool process that never releases the interpreter lock does not look
dead.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import Enum, auto
from typing import Any

from celery import bootsteps, signals

from ....core.versions import from_fields
from ....exceptions import StoreUnavailableError
from ..documents.documents import Documents, outages
from .going_on import going_on
from .homes import Home

#: Seconds for which a reader trusts its last reading of a lease, at most.
_FRESH = 1.0

#: Lease periods without renewal after which a worker is dead. With the time until a
#: reader notices, it is three at most.
_PERIODS = 2

#: The list of the leases of workers, which Celery names. Those read at most.
_WORKERS, _MAX_WORKERS = "dash-long-jobs.workers", 200

#: Seconds of silence after which operators do not see a worker any more.
_FORGET = 600.0

#: Renewals between two times that a worker enters itself in this list.
_LISTED_EACH = 100

#: Held while a process gets its lease.
_first = threading.Lock()

#: Held while a lease is written. The worker must not fork a pool process in the middle
#: of a write: SQLite, for one, would believe for ever that the child holds its lock.
no_fork = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=no_fork.acquire,
        after_in_parent=no_fork.release,
        after_in_child=no_fork.release,
    )


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """The last renewal of a lease.

    Attributes:
        beat: changes with every renewal; None if the worker has left.
        period: seconds until the next one at most; 0 if the worker has left.
        name: Celery's of the worker; "" for the lease of a queue.
        queues: names of the queues from which the worker takes jobs.
        slots: how many jobs the worker runs at once.
        stuck: whether it takes none at present, though it should.
        hides: whether it may have messages of which it has not said so.
    """

    beat: int | None = None
    period: float = 10.0
    name: str = ""
    queues: list[str] = field(default_factory=list)
    slots: int = 1
    stuck: bool = False
    hides: bool = False

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Renewal:
        return from_fields(cls, json.loads(text))


class Lease:
    """The lease of the worker that this process belongs to.

    Attributes:
        id: random; another one after a restart of the worker.
        pid: of the worker's main process.
        seconds: within which it is renewed.
        is_stuck: whether the worker takes no jobs at present, though it should.
        hides: returns whether it may have messages of which it has not said so.
    """

    #: None outside of workers. Pool processes inherit it from the main process.
    current: Lease | None = None

    def __init__(self, home: Home) -> None:
        self.id = secrets.token_urlsafe(16)
        self.pid = os.getpid()
        self.seconds = home.lease
        self.is_stuck = False
        self.hides: Callable[[], bool] = bool
        self._home = home
        self._left = threading.Event()

    @classmethod
    def of_process(cls, home: Home) -> Lease:
        """Return the lease of this process. The first call begins to renew it."""
        with _first:
            if cls.current is None or cls.current.pid != os.getpid():
                cls.current = cls(home)
                cls.current.start()
            return cls.current

    def start(
        self,
        queues: Callable[[], Iterable[str]] = tuple,
        name: str = "",
        slots: int = 1,
    ) -> None:
        """Renew the lease in a thread, until the worker ends or dies.

        Args:
            queues: returns the names of the queues from which the worker takes jobs.
            name: Celery's of the worker, by which operators know it; "" if it has none.
            slots: how many jobs it runs at once.
        """
        threading.Thread(
            target=self._renew,
            args=(queues, name, slots),
            name="dash-long-jobs-lease",
            daemon=True,
        ).start()

    def _renew(
        self, queues: Callable[[], Iterable[str]], name: str, slots: int
    ) -> None:
        documents, period = Documents(self._home.app), self.seconds
        hides_until = 0.0
        for beat in itertools.count():
            with going_on("The renewal of the worker's lease"):
                now = time.monotonic()
                if self.hides():
                    # The next renewal may come just between two functions.
                    hides_until = now + period
                # Its queues may have no other worker, and that has to be seen.
                names = [] if self.is_stuck else [*queues()]
                renewal = Renewal(beat=beat + 1, period=period, stuck=self.is_stuck)
                own = replace(
                    renewal,
                    name=name,
                    queues=names,
                    slots=slots,
                    hides=now < hides_until,
                )
                with no_fork:
                    if not self._left.is_set():
                        _write(documents, self.id, own)
                        for queue in names:
                            _write(documents, queue_lease(queue), renewal)
                        if name and beat % _LISTED_EACH == 0:
                            _list_again(documents, self.id)
            if self._left.wait(period / 3):
                return

    def leave(self) -> None:
        """Note that the worker has shut down cleanly."""
        self._left.set()
        with no_fork:
            _write(Documents(self._home.app), self.id, Renewal(period=0))


def _write(documents: Documents, lease_id: str, renewal: Renewal) -> None:
    try:
        documents.write(_key(lease_id), renewal.to_text())
    except StoreUnavailableError as error:
        outages.begin(error)


def _list_again(documents: Documents, lease_id: str) -> None:
    """List a worker, or keep it in the list, whose entries expire."""
    try:
        documents.unlist(_WORKERS, lease_id)
        documents.list_in([_WORKERS], lease_id, time.time())
    except StoreUnavailableError as error:
        outages.begin(error)


def worker_ids(documents: Documents) -> Sequence[str]:
    """Return the leases of workers, the oldest first. Some of them may be over.

    Raises:
        StoreUnavailableError: the backend does not respond.
    """
    return documents.listed(_WORKERS, 0, _MAX_WORKERS, newest_first=True)[::-1]


def unlist_worker(documents: Documents, lease_id: str) -> None:
    """Take the lease of a worker off the list. Idempotent."""
    documents.unlist(_WORKERS, lease_id)


def queue_lease(queue: str) -> str:
    """Return the id of the lease of a queue. All its workers renew it."""
    # The name may hold characters that a backend does not accept.
    return f"queue.{hashlib.sha256(queue.encode()).hexdigest()}"


def step(home: Home) -> type[bootsteps.StartStopStep]:
    """Return a step of Celery's workers that renews their lease."""

    class LeaseStep(bootsteps.StartStopStep):
        """Gets a lease before the pool is forked, and renews it from then on."""

        def __init__(self, worker: Any, **options: Any) -> None:
            super().__init__(worker, **options)
            self._lease = Lease.current = Lease(home)

        def start(self, worker: Any) -> None:
            # Control commands may change the queues at any time.
            queues = worker.app.amqp.queues
            self._lease.start(
                lambda: [*queues.consume_from],
                worker.hostname,
                worker.max_concurrency or worker.concurrency,
            )

    return LeaseStep


@signals.worker_shutdown.connect
def _leave(**_: Any) -> None:
    if Lease.current is not None:
        Lease.current.leave()


class Tenure(Enum):
    """The state of a worker, as its lease shows it."""

    RENEWED = auto()  #: the worker renews it
    LEFT = auto()  #: the worker has shut down cleanly
    SILENT = auto()  #: the worker has not renewed it for too long


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """The last look of a reader at a lease.

    Attributes:
        renewal: the last one.
        at: when, by the reader's own clock. Clocks of two machines are not compared.
        quiet: seconds for which the reader has seen no renewal.
    """

    renewal: Renewal
    at: float
    quiet: float

    @classmethod
    def of(cls, text: str | None, last: _Reading | None) -> _Reading:
        """Return the reading of a lease.

        Args:
            text: of the lease; None if there is none.
            last: the reading before this one.
        """
        now = time.monotonic()
        renewal = Renewal.from_text(text) if text else Renewal()
        quiet = 0.0
        if last and last.renewal.beat == renewal.beat:
            # Between two distant readings the backend may have been away.
            quiet = last.quiet + min(now - last.at, last.renewal.period)
        return cls(renewal=renewal, at=now, quiet=quiet)

    @property
    def is_fresh(self) -> bool:
        """Whether it is of a moment ago."""
        return time.monotonic() - self.at < min(_FRESH, self.renewal.period / 3)

    @property
    def tenure(self) -> Tenure:
        if self.renewal.period == 0:
            return Tenure.LEFT
        is_over = self.quiet >= _PERIODS * self.renewal.period
        return Tenure.SILENT if is_over else Tenure.RENEWED


class Leases:
    """Reads leases, each at most once a second, however many jobs depend on it."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._readings: dict[str, _Reading] = {}

    def tenure(self, lease_id: str) -> Tenure:
        """Return whether a worker is still there.

        Raises:
            StoreUnavailableError: the backend does not respond.
        """
        return self._read(lease_id).tenure

    def renewal(self, lease_id: str) -> Renewal:
        """Return the last renewal of a lease.

        Raises:
            StoreUnavailableError: the backend does not respond.
        """
        return self._read(lease_id).renewal

    def is_forgotten(self, lease_id: str) -> bool:
        """Return whether operators need not see a worker any more.

        It has left, or has been silent since long ago.

        Raises:
            StoreUnavailableError: the backend does not respond.
        """
        reading = self._read(lease_id)
        return reading.renewal.beat is None or reading.quiet > _FORGET

    def is_renewed(self, lease_id: str) -> bool:
        """Return whether a lease exists, and was renewed within its period.

        ``tenure`` waits longer, because jobs end by it.

        Raises:
            StoreUnavailableError: the backend does not respond.
        """
        reading = self._read(lease_id)
        renewal = reading.renewal
        return renewal.beat is not None and reading.quiet < renewal.period

    def slots(self) -> Counter[str]:
        """Return how many jobs of each queue its workers run at once.

        Raises:
            StoreUnavailableError: the backend does not respond.
        """
        found: Counter[str] = Counter()
        for renewal in self._of_living():
            found.update(dict.fromkeys(renewal.queues, renewal.slots))
        return found

    def hide_messages(self) -> bool:
        """Return whether a worker may have messages of which it has not said so.

        Raises:
            StoreUnavailableError: the backend does not respond.
        """
        return any(renewal.hides for renewal in self._of_living())

    def _of_living(self) -> Iterator[Renewal]:
        """Yield the last renewals of the workers that are there."""
        for reading in self._read_all(worker_ids(self._documents)):
            if reading.renewal.beat is not None and reading.tenure is Tenure.RENEWED:
                yield reading.renewal

    def _read(self, lease_id: str) -> _Reading:
        """Return the reading of a lease as it is now, or was a moment ago."""
        (reading,) = self._read_all([lease_id])
        return reading

    def _read_all(self, lease_ids: Sequence[str]) -> list[_Reading]:
        """Return the readings of leases; in one round trip where possible."""
        found = {it: self._readings.get(it) for it in lease_ids}
        due = [it for it, last in found.items() if last is None or not last.is_fresh]
        try:
            texts = self._documents.read_many([*map(_key, due)]) if due else []
        except StoreUnavailableError:
            # The workers can't renew them either: measure from the beginning.
            for lease_id in due:
                self._readings.pop(lease_id, None)
            raise
        for lease_id, text in zip(due, texts, strict=True):
            found[lease_id] = _Reading.of(text, found[lease_id])
        readings = {it: reading for it, reading in found.items() if reading}
        self._readings |= readings
        return [readings[lease_id] for lease_id in lease_ids]


def _key(lease_id: str) -> str:
    return f"dash-long-jobs.lease.{lease_id}"
