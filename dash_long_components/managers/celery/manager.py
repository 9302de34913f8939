"""The manager for many machines: jobs on Celery's workers."""

from __future__ import annotations

import functools
import logging
import secrets
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...core import quantities
from ...core.caching import CacheBy, CachedResult
from ...core.jobs import Call, Lane, Status, Ticket, new_job_id
from ...core.lanes import Entry
from ...core.records import Record, Requester
from ...core.snapshots import Snapshot
from ...exceptions import BrokerUnavailableError, StoreUnavailableError
from ...running import tasks
from ...running.tasks import Task
from ..base import LongCallbackManager
from .call_with_timeout import call_with_timeout

if TYPE_CHECKING:
    import celery

logger = logging.getLogger("dash_long_components")

_EXTRA = (
    "CeleryLongCallbackManager needs packages that are missing: "
    'pip install "dash-long-components[celery]"'
)

#: How the broker is asked to take a job: a user waits for the answer.
_PUBLISH = {"max_retries": 3, "interval_start": 0, "interval_step": 0.2}

#: Seconds after which a broker that stands still is one that does not answer. By itself
#: Redis, for one, is waited for without an end.
BROKER_TIMEOUT = 5.0

#: Seconds after which the shared secret is looked up again.
_SECRET_FRESH = 60


#: Waiting jobs of which a server knows since when.
_WATCHED = 4096


class CeleryLongCallbackManager(LongCallbackManager):
    """Runs jobs on Celery's workers, on as many machines as there are.

    Every long callback is a Celery task, named
    ``dash_long_components.<module>.<function>.<key>``; start workers on the module
    that makes the app: ``celery -A app:celery_app worker``. Jobs are kept in the
    result backend for Celery's ``result_expires`` after they last changed.

    Args:
        celery_app: a ``celery.Celery`` with a result backend that other processes can
            read: Redis, memcached, a database, the file system.
        cache_by: a function without arguments or a list of them. With it, results are
            cached: kept in the result backend for whoever asks the same again, while
            these functions return the same. An empty list caches too.
        expire: seconds since its last use after which a cached result goes. Without
            it, and at the latest, it goes when the backend drops it.
        lease: seconds within which a worker says that it lives. One that has not for
            three times as long has lost its jobs.
        queue_timeout: seconds that a job may wait for a worker; then it ends as
            ``timed_out``. By default it waits for as long as Celery keeps it.

    Raises:
        ValueError: an argument is of the wrong kind, or the backend will not do.
        ImportError: the extra ``celery`` is not installed.
    """

    handle: celery.Celery

    def __init__(
        self,
        celery_app: celery.Celery,
        cache_by: CacheBy | Sequence[CacheBy] | None = None,
        expire: float | None = None,
        *,
        lease: float = 10.0,
        queue_timeout: float | None = None,
    ) -> None:
        super().__init__(cache_by, expire)
        try:
            import celery

            from . import command_line, leases, orphans, worker
            from .documents import Documents
            from .presence import Presence
            from .result_cache import CeleryResultCache
            from .store import CeleryStore
        except ImportError as error:
            raise ImportError(_EXTRA) from error
        if not isinstance(celery_app, celery.Celery):
            raise ValueError("First argument must be a celery.Celery object")
        _check_backend(celery_app)
        lease = quantities.seconds("lease", lease)
        self.handle = celery_app
        caller = sys.modules.get(sys._getframe(1).f_globals.get("__name__", ""))
        if caller is not None:
            command_line.follow_dots(caller)
        self._store = CeleryStore(celery_app)
        self._results = CeleryResultCache(Documents(celery_app))
        self._presence = Presence(celery_app)
        self._queue_timeout = quantities.seconds_or_none("queue_timeout", queue_timeout)
        self._queued_since: dict[str, float] = {}
        self._secret = secrets.token_hex(32)
        self._secret_due = 0.0
        celery_app.steps["worker"].add(leases.step(lease))
        celery_app.steps["worker"].add(orphans.OrphanStep)
        tasks.on_register(lambda task: worker.add_task(celery_app, task))

    def submit(
        self, task: Task, call: Call, lane: Lane | None = None
    ) -> str | CachedResult | None:
        kept = self._results.get(call.caching) if call.caching else None
        if kept is not None:
            admission = self._store.lanes.enter(None, lane)
            self._replace(admission.replaced)
            if not admission.needs_job_for_hit:
                return kept if admission.shows_hit else None
        now = time.time()
        requester = Requester(id="0", lane=lane.name if lane else None)
        record = Record(
            id=new_job_id(),
            task=task.name,
            code=call.fingerprint,
            requesters=(requester,),
            key=call.caching.key if call.caching else None,
            limits=call.limits,
            created=now,
            changed=now,
        )
        ticket = Ticket(job=record.id, requester=requester.id)
        # Not after it has entered its lane: who is there must be seen to be live.
        self._store.submit(record)
        admission = self._store.lanes.enter(ticket, lane)
        if admission.entry is Entry.NEVER:
            return None
        if admission.entry is Entry.LATE:
            self._store.cancel(record.id)
            return str(ticket)
        # Who waits in a lane is not to keep others waiting with it.
        other = self._join(record, lane) if admission.may_join else None
        if other is not None:
            self._store.lanes.exchange(lane, ticket, other)
        else:
            waits = admission.entry is Entry.WAIT
            self._publish(task, record, call, lane.name if lane and waits else None)
        # Not before it has joined a job that it may replace itself in, nor before it is
        # certain that there is one to take their place.
        self._replace(admission.replaced)
        return str(other or ticket)

    def _join(self, record: Record, lane: Lane | None) -> Ticket | None:
        """Join the job that somebody else has asked the same of, if there is one."""
        while record.key is not None:
            job_id = self._store.flights.claim(record.key, record.id)
            if job_id == record.id:
                break
            ticket = self._store.join(job_id, lane)
            if ticket is not None:
                if record.limits.leave_timeout is not None:
                    # The others may have been away for nearly as long as they may.
                    self._presence.see(job_id, record.limits.leave_timeout)
                return ticket
        return None

    def _replace(self, tickets: Iterable[str]) -> None:
        """Cancel jobs that another has replaced."""
        for ticket in tickets:
            try:
                self.cancel(ticket)
            except StoreUnavailableError as error:
                # The new job is there all the same. And the page goes on to cancel
                # what it knows to be replaced until that gets through.
                logger.warning("%s", error)

    def _publish(
        self, task: Task, record: Record, call: Call, lane: str | None
    ) -> None:
        from .worker import publish, task_name

        send = functools.partial(
            publish,
            self.handle,
            task_name(task.key, task.name),
            record.id,
            call.to_json().decode(),
            lane,
            time_limit=call.limits.timeout,
            expires=self._queue_timeout,
            retry=True,
            retry_policy=_PUBLISH,
        )
        try:
            call_with_timeout(BROKER_TIMEOUT, send)
        except Exception as error:  # each broker has exceptions of its own
            # It may have got through nevertheless; then it is not to be run.
            self._store.lose(record, str(error))
            raise BrokerUnavailableError(
                f"Celery's broker does not take the job: {error}"
            ) from error
        self._store.sent(record.id)

    def read(self, ticket: str, cursor: int) -> Snapshot:
        (snapshot,) = self.read_all([(ticket, cursor)])
        if snapshot is None:
            raise KeyError(ticket)
        return snapshot

    def read_all(self, readings: Sequence[tuple[str, int]]) -> list[Snapshot | None]:
        tickets = [Ticket.parse(ticket) for ticket, _ in readings]
        records = self._store.read_all([ticket.job for ticket in tickets])
        snapshots: list[Snapshot | None] = [None] * len(readings)
        for at, (ticket, record) in enumerate(zip(tickets, records, strict=True)):
            with suppress(KeyError):
                if record is not None:
                    snapshots[at] = self._snapshot(record, ticket, readings[at][1])
        return snapshots

    def _has_expired(self, record: Record) -> bool:
        """Tell whether a job has waited for too long, by this process's own clock.

        Workers drop what has expired. This is for when there are none.
        """
        if self._queue_timeout is None:
            return False
        if record.status is not Status.QUEUED:
            self._queued_since.pop(record.id, None)
            return False
        if len(self._queued_since) >= _WATCHED:
            self._queued_since.clear()
        now = time.monotonic()
        since = self._queued_since.setdefault(record.id, now)
        return now - since > self._queue_timeout

    def _snapshot(self, record: Record, ticket: Ticket, cursor: int) -> Snapshot:
        if self._has_expired(record):
            record = self._store.expire(record)
        leave_timeout = record.limits.leave_timeout
        if leave_timeout is not None and self._store.is_asked(record, ticket):
            self._presence.see(record.id, leave_timeout)
        snapshot = record.since(cursor, ticket.requester)
        if snapshot.has_begun:
            return replace(snapshot, estimate=self._store.estimate(record.task))
        if snapshot.status is Status.SUCCEEDED and snapshot.cursor > cursor:
            return replace(snapshot, result=self._store.result(record.id))
        return snapshot

    def cancel(self, ticket: str) -> None:
        named = Ticket.parse(ticket)
        try:
            record = self._store.read(named.job)
        except KeyError:
            return
        status = record.status
        if not status.is_terminal:
            if not self._store.leave(record, named.requester):
                return
            status = self._store.cancel(record.id)
        if status is Status.CANCELLED:
            self._end_job(record)

    def _end_job(self, record: Record) -> None:
        """Have the worker end a job, whichever it is."""
        from .worker import END_JOB

        live = self._store.live(record.id)
        control = self.handle.control
        if live is None:
            send = functools.partial(control.revoke, record.id)
        else:
            send = functools.partial(
                control.broadcast,
                END_JOB,
                {"job_id": record.id, "grace": record.limits.cancel_grace or 0.0},
                destination=[live.worker.name],
            )
        try:
            call_with_timeout(BROKER_TIMEOUT, send)
        except Exception as error:
            raise BrokerUnavailableError(
                f"Celery's broker does not take the cancel: {error}"
            ) from error

    def secret(self) -> bytes:
        # The backend forgets what is not written again for a while, and another server
        # may have made a new one meanwhile.
        if time.monotonic() >= self._secret_due:
            self._secret = self._store.secret(self._secret)
            self._secret_due = time.monotonic() + _SECRET_FRESH
        return self._secret.encode()

    def libraries(self) -> frozenset[str]:
        return self._store.libraries()

    def warm_up(self) -> None:
        """Do nothing: workers are started by whoever runs them."""

    def close(self) -> None:
        """Do nothing: the connections are those of the user's Celery app."""


def _check_backend(app: celery.Celery) -> None:
    """See that other processes can read what is stored in the result backend."""
    from celery.app.backends import by_url
    from celery.backends.base import DisabledBackend
    from celery.backends.rpc import RPCBackend

    url: Any = app.backend_cls or app.conf.result_backend
    backend: Any = by_url(url, app.loader)
    if issubclass(backend[0], DisabledBackend):
        raise ValueError("Celery instance must be configured with a result backend")
    if issubclass(backend[0], RPCBackend):
        raise ValueError(
            "The result backend rpc:// can be read by one process only: no other "
            "server process, and no page after a restart, would find its jobs. Take "
            "Redis or a database."
        )
    if isinstance(url, str) and url.startswith("cache+memory"):
        raise ValueError(
            "The result backend cache+memory:// is in the memory of one process: what "
            "workers write there is not read anywhere else. Take Redis or a database."
        )
