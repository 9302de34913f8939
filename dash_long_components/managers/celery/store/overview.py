"""What operators see of Celery: how many jobs there are, and which workers."""

from __future__ import annotations

from collections import Counter, defaultdict

from ....core.overview import Worker
from ....core.status import Status
from ..documents.deliveries import Message
from ..documents.documents import Documents
from ..documents.ends import message_key
from ..documents.job_state import Live
from ..documents.listings import Listings
from ..messages.queues import Queues
from ..workers.leases import Leases, unlist_worker, worker_ids
from .counted_jobs import CountedJobs

#: Queued jobs whose queue is remembered.
_REMEMBERED = 8192


class Overview:
    """Counts jobs, and lists the workers.

    Args:
        documents: where all is stored.
        listings: the lists of jobs.
        queues: tell the queue of a Celery task.
    """

    def __init__(
        self, documents: Documents, listings: Listings, queues: Queues
    ) -> None:
        self._documents = documents
        self._jobs = CountedJobs(listings)
        self._queues = queues
        self._leases = Leases(documents)
        self._queue_of: dict[str, str] = {}

    def by_task(self) -> dict[tuple[str, Status], int]:
        """Return how many jobs there are, by task and status."""
        return self._jobs.by_task()

    def queued(self) -> dict[str, int]:
        """Return how many jobs are queued, by the name of their queue."""
        waiting = [it.id for it in self._jobs.live() if it.status is Status.QUEUED]
        counts = Counter(self._queues_of(waiting))
        return {name: counts[name] for name in sorted({*self._queues.names(), *counts})}

    def _queues_of(self, job_ids: list[str]) -> list[str]:
        """Return the queue of each job that has a message."""
        # Another thread may forget them at any time.
        found = {each: self._queue_of.get(each) for each in job_ids}
        unknown = [job_id for job_id, queue in found.items() if queue is None]
        if len(self._queue_of) + len(unknown) > _REMEMBERED:
            self._queue_of.clear()
        keys = [message_key(each) for each in unknown]
        texts = self._documents.read_many(keys) if keys else []
        for job_id, text in zip(unknown, texts, strict=True):
            if text is not None:
                found[job_id] = self._queues.of(Message.from_text(text))
                self._queue_of[job_id] = found[job_id] or ""
        return [queue for queue in found.values() if queue]

    def workers(self) -> list[Worker]:
        """Return the workers, each as often as it runs jobs; an idle one once."""
        running = self._running()
        found: list[Worker] = []
        for lease_id in worker_ids(self._documents):
            if self._leases.is_forgotten(lease_id):
                unlist_worker(self._documents, lease_id)
                continue
            renewal = self._leases.renewal(lease_id)
            state = "stuck" if renewal.stuck else "alive"
            if not self._leases.is_renewed(lease_id):
                state = "silent"  # before its jobs end by it
            for live in running.get(lease_id) or [None]:
                found.append(
                    Worker(
                        name=renewal.name,
                        state=state,
                        queues=tuple(renewal.queues),
                        job=live.record.id if live else None,
                        task=live.record.task if live else None,
                        since=live.record.started if live else None,
                    )
                )
        return found

    def _running(self) -> dict[str, list[Live | None]]:
        """Return the running jobs, by the lease of their worker."""
        ids = [it.id for it in self._jobs.live() if it.status is Status.RUNNING]
        texts = self._documents.read_many([f"{each}.live" for each in ids])
        found: dict[str, list[Live | None]] = defaultdict(list)
        for text in filter(None, texts):
            live = Live.from_text(text)
            found[live.worker.lease].append(live)
        return found
