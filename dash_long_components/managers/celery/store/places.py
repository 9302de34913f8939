"""The places of the jobs that wait for Celery's workers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import celery

from ....core.forecasts import FRESH, Forecasts, forecast
from ....core.queueing import DEFAULT, QueuedJob, Scheduling, Sizes
from ....core.records import Record
from ....core.snapshots import Place
from ..documents.deliveries import Message
from ..documents.ends import message_key
from ..messages.sending import priority_of
from ..workers.leases import Leases
from .store import CeleryStore

#: The jobs that have places: those that have waited for longest, over all queues.
_MAX_PLACES = 1000

#: Seconds for which a queued job has no place: a free worker takes it sooner.
NO_PLACE = 1.0

#: The part of its usual duration for which a job that runs has run so far.
_OVER = 0.5


class Places:
    """Makes the places of all jobs that wait.

    The broker tells neither which jobs run, nor for how long. So a forecast takes all
    processes of a queue's workers for busy, with jobs that are half done.

    Args:
        app: of the broker.
        store: where jobs are stored.
        queue_of: returns the queue of a message; "" if it can't be told. Such a job
            has no place.
    """

    def __init__(
        self,
        app: celery.Celery,
        store: CeleryStore,
        queue_of: Callable[[Message], str],
    ) -> None:
        self._app = app
        self._store = store
        self._queue_of = queue_of
        self._leases = Leases(store.documents)
        self._sent: dict[str, QueuedJob | None] = {}
        # Each takes round trips, and jobs beyond the first have no places.
        self._forecasts = Forecasts(lambda _code: self.make(), fresh_without=FRESH)

    def of(self, record: Record) -> Place | None:
        """Return the place of a queued job; None if it has none, or is new."""
        if time.time() - record.created < NO_PLACE:
            return None
        # The list of waiting jobs is of all versions of the code.
        return self._forecasts.place(replace(record, code=""))

    def make(self) -> dict[str, Place]:
        """Return the places of the jobs that wait, by id."""
        sent = self._waiting()
        if not sent:
            return {}
        limited, admitted = self._read_groups(sent)
        waiting = [_with_limits(job, limited) for job in sent]
        queues = {job.scheduling.queue for job in waiting}
        count = self._leases.slots()
        slots = {queue: max(1, count[queue]) for queue in queues}
        running = [*admitted, *_others(waiting, admitted, slots)]
        tasks = sorted({job.task for job in (*waiting, *running)})
        medians = self._store.common.medians(tasks)
        return forecast(
            Sizes(slots.get(DEFAULT, 1), slots),
            [(job, _OVER * (medians[job.task] or 0.0)) for job in running],
            waiting,
            medians.get,
        )

    def _waiting(self) -> list[QueuedJob]:
        """Return the jobs that wait, as their messages tell; longest first."""
        job_ids = self._store.listings.waiting(_MAX_PLACES)
        new = [job_id for job_id in job_ids if job_id not in self._sent]
        texts = self._store.documents.read_many([*map(message_key, new)]) if new else []
        sent = {it: self._sent[it] for it in job_ids if it in self._sent}
        for job_id, text in zip(new, texts, strict=True):
            if text is not None:
                sent[job_id] = self._job_of(job_id, Message.from_text(text))
        self._sent = sent
        return [job for job_id in job_ids if (job := sent.get(job_id)) is not None]

    def _job_of(self, job_id: str, message: Message) -> QueuedJob | None:
        queue = self._queue_of(message)
        if not queue:
            return None
        priority = priority_of(self._app, message)
        scheduling = Scheduling(queue=queue, priority=priority, group=message.group)
        return QueuedJob(id=job_id, task=message.task_name, scheduling=scheduling)

    def _read_groups(
        self, sent: Iterable[QueuedJob]
    ) -> tuple[dict[str, QueuedJob], list[QueuedJob]]:
        """Return the jobs of groups, by id, and those of them that run."""
        names = {job.scheduling.group for job in sent}
        groups = [self._store.groups.get(name) for name in names if name is not None]
        limited = {
            job.id: job for group in groups for job in (*group.waiting, *group.admitted)
        }
        waiting = {job.id for job in sent}
        admitted = [
            self._in_its_queue(job)
            for group in groups
            for job in group.admitted
            if job.id not in waiting
        ]
        return limited, admitted

    def _in_its_queue(self, job: QueuedJob) -> QueuedJob:
        default = str(self._app.conf.task_default_queue)
        queue = job.scheduling.queue
        return _put(job, default if queue == DEFAULT else queue)


def _with_limits(job: QueuedJob, limited: dict[str, QueuedJob]) -> QueuedJob:
    """Return a job that waits, with the limits that its group has noted."""
    return _put(limited.get(job.id, job), job.scheduling.queue)


def _put(job: QueuedJob, queue: str) -> QueuedJob:
    return replace(job, scheduling=replace(job.scheduling, queue=queue))


def _others(
    waiting: Sequence[QueuedJob], known: Iterable[QueuedJob], slots: dict[str, int]
) -> Iterator[QueuedJob]:
    """Return a job for each process of which it is not known what it runs.

    It runs the task of the first job of its queue.
    """
    busy = Counter(job.scheduling.queue for job in known)
    first = {job.scheduling.queue: job.task for job in reversed(waiting)}
    for queue, task in first.items():
        for _ in range(slots[queue] - busy[queue]):
            yield QueuedJob(id="", task=task, scheduling=Scheduling(queue=queue))
