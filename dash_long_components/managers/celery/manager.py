"""The manager for many machines: jobs on Celery's workers."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core import quantities, reading
from ...core.answers import over
from ...core.caching import CacheBy, CachedResult, answer_from, find_stale
from ...core.calls import Caching, Call
from ...core.halts import Halts
from ...core.health import Health
from ...core.ids import Ticket, new_job_id
from ...core.lanes import Admission, Answer, Lane
from ...core.overview import Worker
from ...core.records import Record
from ...core.requesters import Requester
from ...core.search import Search
from ...core.snapshots import Snapshot
from ...core.status import Status
from ...exceptions import BrokerUnavailableError, StoreUnavailableError
from ...running.tasks import Task
from ..base import LongCallbackManager, Watch

if TYPE_CHECKING:
    import celery

_EXTRA = (
    "CeleryLongCallbackManager needs packages that are missing: "
    'pip install "dash-long-components[celery]"'
)


class CeleryLongCallbackManager(LongCallbackManager):
    """Runs jobs on Celery's workers, on any number of machines.

    Every long callback is a Celery task with the name
    ``dash_long_components.<module>.<function>.<key>``. Start workers on the module
    that makes the app: ``celery -A app:celery_app worker``. The result backend stores
    jobs for Celery's ``result_expires`` after their last change.

    Args:
        celery_app: a ``celery.Celery`` with a result backend that other processes can
            read: Redis, a database, the file system.
        cache_by: a function without arguments or a list of them. With it, the result
            backend caches results, and equal calls get them while these functions
            return the same. An empty list caches too.
        expire: seconds since its last use after which a cached result is dropped. By
            default the backend drops it.
        stale_for: seconds for which pages still show a result that is older than
            ``expire``, while one job refreshes it for all of them. With it, ``expire``
            counts from when the result was made. By default none is shown.
        lease: seconds for which a lease is valid; a worker renews it three times in
            that time. When it has been silent for twice as long, its jobs are lost:
            within three leases of its death.
        queue_timeout: seconds for which a job may wait for a worker; then it ends as
            ``timed_out``. By default it waits for as long as Celery stores it.
        keep_calls: keep the arguments, cookies and headers of jobs that do not succeed
            for as long as their records, so that ``job.retry()`` and operators can
            start them again. By default they are deleted at the end of each job.

    Raises:
        ValueError: an argument is of the wrong kind, or the backend can't be used.
        ImportError: the extra ``celery`` is not installed.
    """

    handle: celery.Celery

    def __init__(
        self,
        celery_app: celery.Celery,
        cache_by: CacheBy | Sequence[CacheBy] | None = None,
        expire: float | None = None,
        *,
        stale_for: float | None = None,
        lease: float = 10.0,
        queue_timeout: float | None = None,
        keep_calls: bool = False,
    ) -> None:
        super().__init__(cache_by, expire, keep_calls, stale_for)
        try:
            import celery

            from .backend_check import check_backend
            from .documents.documents import Documents
            from .documents.result_cache import CeleryResultCache
            from .documents.secret import SharedSecret
            from .installation import install
            from .messages.broker import Broker
            from .messages.queues import HINT_AFTER, Queues
            from .messages.waits import Waits
            from .publisher import Publisher
            from .store.overview import Overview
            from .store.places import Places
            from .store.store import CeleryStore
            from .workers.homes import Home
            from .workers.presence import Presence
        except ImportError as error:
            raise ImportError(_EXTRA) from error
        if not isinstance(celery_app, celery.Celery):
            raise ValueError(
                "First argument must be a celery.Celery object, like "
                f"celery.Celery(__name__, broker=..., backend=...), not {celery_app!r}."
            )
        check_backend(celery_app)
        lease = quantities.seconds("lease", lease)
        self.handle = celery_app
        self._home = Home(app=celery_app, lease=lease)
        self._store = CeleryStore(celery_app, lease)
        self._results = CeleryResultCache(Documents(celery_app))
        self._presence = Presence(celery_app)
        self._queues = Queues(celery_app, self._store.documents)
        self._overview = Overview(
            self._store.documents, self._store.listings, self._queues
        )
        self._broker = Broker(celery_app)
        self._places = Places(celery_app, self._store, self._queues.of)
        self._hint_after = HINT_AFTER
        queue_timeout = quantities.seconds_or_none("queue_timeout", queue_timeout)
        self._publisher = Publisher(self._home, self._store, queue_timeout)
        self._waits = Waits(queue_timeout)
        self._secret = SharedSecret(self._store.common)
        install(celery_app, self._home)

    def submit(
        self,
        task: Task,
        call: Call,
        lane: Lane | None = None,
        owner: str | None = None,
        again: str | None = None,
    ) -> str | CachedResult | None:
        if again is None:
            return self._submit(task, call, lane, owner, new_job_id())
        return self._store.kept_calls.retry(
            again, lambda new, joins: self._submit(task, call, lane, owner, new, joins)
        )

    def _submit(
        self,
        task: Task,
        call: Call,
        lane: Lane | None,
        owner: str | None,
        new: str,
        joins: Callable[[str], object] = lambda _: None,
    ) -> str | CachedResult | None:
        """Do what ``submit`` does.

        Args:
            task: of the job.
            call: what it runs.
            lane: that it enters; None if it has none.
            owner: as JSON text; None for none.
            new: id of the job.
            joins: called with the id of another job before this one joins that.
        """
        is_answered, hit = answer_from(
            self._results, call, time.time(), lambda: self._pass_by(lane)
        )
        if is_answered:
            return hit
        requester = Requester(
            id="0",
            lane=lane.name if lane else None,
            owner=owner,
            destination=call.destination,
        )
        now = time.time()
        record = Record.of_call(call, task=task.name, code=call.fingerprint, now=now)
        record = replace(record, id=new).join(requester)
        ticket = Ticket(job=record.id, requester=requester.id)
        # Before it enters its lane, where all jobs have to be live.
        self._store.submit(record)
        admission = self._store.lanes.enter(ticket, lane)
        if admission.answer is Answer.IGNORE:
            return None
        if admission.answer is Answer.CANCEL:
            self._store.cancel(record.id)
            return str(ticket)
        other = None
        if admission.may_join:
            # An id that no other requester has, in whatever order they join.
            other = self._join(record, replace(requester, id=record.id), joins)
        if other is not None:
            self._store.lanes.exchange(lane, ticket, other)
        else:
            waits_in = lane.name if lane and admission.waits else None
            self._publisher.publish(
                task, record, call, lane=waits_in, keep_call=self.keep_calls
            )
        # Last: it may have joined a job that it replaces, and it only replaces others
        # once it is certain that there is a job in their place.
        self._replace(admission.replaced)
        return str(other or ticket)

    def stale_result(self, caching: Caching) -> CachedResult | None:
        return find_stale(self._results, caching, time.time())

    def _pass_by(self, lane: Lane | None) -> Admission:
        admission = self._store.lanes.enter(None, lane)
        self._replace(admission.replaced)
        return admission

    def _join(
        self, record: Record, requester: Requester, joins: Callable[[str], object]
    ) -> Ticket | None:
        """Join the live job of an equal call, if there is one."""
        while record.key is not None:
            job_id = self._store.joinable.take_key(record.key, record.id)
            if job_id == record.id:
                break
            joins(job_id)
            ticket = self._store.join(job_id, requester)
            if ticket is not None:
                if record.limits.leave_timeout is not None:
                    # The other pages may have been away for nearly that long.
                    self._presence.see(job_id, record.limits.leave_timeout)
                return ticket
        return None

    def _replace(self, tickets: Iterable[str]) -> None:
        """Cancel jobs that another has replaced."""
        for ticket in tickets:
            # The new job exists anyway, and the page repeats the cancel of a job that
            # it knows to be replaced until that gets through.
            with suppress(StoreUnavailableError):
                self.cancel(ticket)

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

    def look_up(self, job_id: str) -> Record:
        record = self._store.read(job_id)
        return self._store.expire(record) if self._waits.are_over(record) else record

    def halts(self) -> Halts:
        return self._store.halts.read()

    def change_halts(self, change: Callable[[Halts], Halts]) -> Halts:
        return self._store.halts.change(change)

    def look_for(self, search: Search) -> list[Record]:
        return self._store.listings.search(search)

    def look_and_count(self, search: Search) -> tuple[list[Record], int]:
        return self._store.listings.search_and_count(search)

    def count_jobs(self) -> dict[tuple[str, Status], int]:
        return self._overview.by_task()

    def count_queued(self) -> dict[str, int]:
        return self._overview.queued()

    def workers(self) -> list[Worker]:
        return self._overview.workers()

    def kept_call(self, job_id: str) -> Call | None:
        return self._store.kept_calls.read(job_id)

    def load_result(self, job_id: str) -> bytes | None:
        return self._store.result(job_id)

    def watch(self) -> Watch:
        from .store.watch import CeleryWatch

        return CeleryWatch(self._store)

    def _snapshot(self, record: Record, ticket: Ticket, cursor: int) -> Snapshot:
        if self._waits.are_over(record):
            record = self._store.expire(record)
        leave_timeout = record.limits.leave_timeout
        if leave_timeout is not None and record.is_awaited_by(ticket.requester):
            self._presence.see(record.id, leave_timeout)
        snapshot = reading.since(record, cursor, ticket.requester)
        between = snapshot.between_attempts(time.time())
        if between is not None:
            return between
        if snapshot.status is Status.QUEUED:
            snapshot = replace(snapshot, place=self._places.of(record))
        if self._waits_for_long(snapshot):
            message = self._store.message(record.id)
            hint = None if message is None else self._queues.hint(message)
            return replace(snapshot, hint=hint)
        if snapshot.has_begun:
            return snapshot.with_durations(self._store.common.durations(record.task))
        if snapshot.status is Status.SUCCEEDED and snapshot.cursor > cursor:
            load = functools.partial(self.load_result, record.id)
            return replace(snapshot, load_result=load)
        return snapshot

    def _waits_for_long(self, snapshot: Snapshot) -> bool:
        is_queued = snapshot.status is Status.QUEUED
        return is_queued and time.time() - snapshot.created > self._hint_after

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
            self._store.listings.stop_waiting(record)
            status = self._store.cancel(record.id)
            self._store.leave_group(record.id)
        if status is Status.CANCELLED and not self._is_eager:
            from .supervision.ending import tell_worker_to_end

            tell_worker_to_end(self.handle, self._store, record)

    def answer(self, ticket: str, question: str, answer: str) -> None:
        named = Ticket.parse(ticket)
        try:
            record = self._store.read(named.job)
        except KeyError:
            raise over(named.job) from None
        self._store.answers.answer(record, named, question, answer)

    @property
    def _is_eager(self) -> bool:
        """Whether jobs run where they are submitted. Tests may set it at any time."""
        return bool(self.handle.conf.task_always_eager)

    def secret(self) -> bytes:
        return self._secret.read()

    def libraries(self) -> frozenset[str]:
        return self._store.common.libraries()

    def usual_durations(self, tasks: Sequence[str]) -> dict[str, float | None]:
        return self._store.common.medians(tasks)

    def health(self) -> Health:
        return self._store.listings.health(self._problem())

    def _problem(self) -> str | None:
        """Return why no worker gets jobs; None if one does."""
        if self._is_eager:
            return None
        if not self._broker.responds():
            return BrokerUnavailableError.summary
        unserved = self._queues.unserved()
        if unserved:
            return f"no worker takes jobs from the queue {', '.join(unserved)}"
        return None

    def warm_up(self) -> None:
        """Do nothing: workers run on their own."""

    def close(self) -> None:
        """Do nothing: the connections belong to the user's Celery app."""
