"""The manager for tests: jobs in memory, run by threads of this process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from ...core import limits, quantities
from ...core.answers import Look
from ...core.caching import CacheBy, CachedResult, find_stale
from ...core.calls import Caching, Call
from ...core.forecasts import Forecasts
from ...core.halts import Halts
from ...core.health import Health
from ...core.ids import Ticket
from ...core.lanes import Admission, Lane
from ...core.limits import Times
from ...core.queueing import Sizes
from ...core.records import Record
from ...core.reports import Report
from ...core.search import Search
from ...core.snapshots import Place, Snapshot
from ...core.status import Status
from ...exceptions import JobEndedError
from ...running import runtime
from ...running.current import CurrentJob
from ...running.failures import failure
from ...running.tasks import Task
from ..base import LongCallbackManager
from ..identity import Process
from ..store import answers
from ..store.intake import Intake
from ..store.places import places
from ..store.snapshots import snapshot
from ..store.store import Store
from .watchdog import WatchdogThread

logger = logging.getLogger("dash_long_components")

#: Seconds for which ``close`` waits for functions whose jobs it has cancelled.
CLOSE_TIMEOUT = 5.0

#: Jobs that run at once, by default.
_MAX_CONCURRENCY = 4

#: All its jobs are of this process, and of one version of the code.
_CODE = ""
_ME = Process(0, 0.0)


class MemoryLongCallbackManager(LongCallbackManager):
    """Runs jobs in threads of this process, and keeps them in its memory.

    For tests: nothing has to be installed or started, and nothing stays behind. It
    keeps to what the other managers do with two exceptions. A thread can't be killed:
    a cancelled job ends at once for the page, and its function at its next
    ``set_progress``, or when it sees ``current_job().cancelled``. And a job that ends
    its process ends the tests. The parts of a job run one after the other.

    Args:
        cache_by: a function without arguments or a list of them. With it, results are
            cached as by the other managers. An empty list caches too.
        expire: seconds since its last use after which a cached result goes.
        stale_for: seconds for which pages still show a result that is older than
            ``expire``, as with the other managers.
        inline: run a job within the request that starts it, which answers when the job
            has ended: nothing happens at the same time any more.
        max_concurrency: how many jobs run at once, 4 by default.
        queues: how many jobs of each named queue run at once, like ``{"gpu": 1}``. The
            queue ``"default"`` has the jobs that name no queue.
        max_queue: how many jobs may wait in each queue; a further one is ``rejected``.
        keep_calls: keep the arguments of jobs that do not succeed, for ``job.retry()``.

    Raises:
        ValueError: one of them is of the wrong kind.
    """

    def __init__(
        self,
        cache_by: CacheBy | Sequence[CacheBy] | None = None,
        expire: float | None = None,
        *,
        stale_for: float | None = None,
        inline: bool = False,
        max_concurrency: int | None = None,
        queues: Mapping[str, int] | None = None,
        max_queue: int = 1000,
        keep_calls: bool = False,
    ) -> None:
        super().__init__(cache_by, expire, keep_calls, stale_for)
        self.handle = None
        self._inline = inline
        self._sizes = Sizes.check(queues, max_concurrency, _MAX_CONCURRENCY)
        self._store = Store(None, result_ttl=float("inf"))
        self._results = _ResultCache()
        self._intake = Intake(
            self._results,
            self._sizes,
            quantities.count("max_queue", max_queue),
            None,
            keep_calls,
        )
        #: Guards all that follows, and what happens to jobs; notified when one ends.
        self._changed = threading.Condition(threading.RLock())
        #: By their keys.
        self._tasks: dict[str, Task] = {}
        self._threads: dict[threading.Thread, str] = {}
        self._watchdog = WatchdogThread(
            self._store, _CODE, self._changed, self._start_next
        )
        self._forecasts = Forecasts(self._places)

    def submit(
        self,
        task: Task,
        call: Call,
        lane: Lane | None = None,
        owner: str | None = None,
        again: str | None = None,
    ) -> str | CachedResult | None:
        with self._changed:
            is_answered, hit = self._intake.answer(
                self._store, call, again, lambda: self._pass_by(lane)
            )
            if is_answered:
                return hit
            self._tasks[call.task] = task
            ticket = self._intake.submit(
                self._store,
                call,
                task=task.name,
                code=_CODE,
                lane=lane,
                owner=owner,
                again=again,
            )
            self._after_change()
            if ticket is None:
                return None
            self._watchdog.watch(self._store.read(ticket.job))
            if self._inline:
                self._changed.wait_for(lambda: self._has_ended(ticket.job))
            return str(ticket)

    def _pass_by(self, lane: Lane | None) -> Admission:
        admission = self._store.pass_by(lane)
        self._after_change()
        return admission

    def stale_result(self, caching: Caching) -> CachedResult | None:
        return find_stale(self._results, caching, time.time())

    def read(self, ticket: str, cursor: int) -> Snapshot:
        asked = Ticket.parse(ticket)
        record = self._store.read(asked.job)
        if not record.status.is_terminal:
            self._store.see(record, asked.requester)
        return snapshot(
            self._store,
            self._forecasts,
            record,
            asked.requester,
            cursor,
            self.load_result,
        )

    def look_up(self, job_id: str) -> Record:
        return self._store.read(job_id)

    def look_for(self, search: Search) -> list[Record]:
        return self._store.searches.find(search)

    def look_and_count(self, search: Search) -> tuple[list[Record], int]:
        return self._store.searches.find_and_count(search)

    def kept_call(self, job_id: str) -> Call | None:
        return self._store.kept_call(job_id)

    def load_result(self, job_id: str) -> bytes | None:
        self._store.read(job_id)
        return self._store.result(job_id)

    def cancel(self, ticket: str) -> None:
        with self._changed:
            self._store.leave(Ticket.parse(ticket))
            self._after_change()

    def check_queue(self, queue: str, task: str) -> None:
        self._sizes.require(queue, task)

    def answer(self, ticket: str, question: str, answer: str) -> None:
        answers.answer(self._store, ticket, question, answer)

    def secret(self) -> bytes:
        return self._store.secret()

    def libraries(self) -> frozenset[str]:
        return self._store.libraries()

    def count_jobs(self) -> dict[tuple[str, Status], int]:
        return self._store.searches.by_task()

    def count_queued(self) -> dict[str, int]:
        return self._store.searches.queued()

    def usual_durations(self, tasks: Sequence[str]) -> dict[str, float | None]:
        return self._store.durations.medians(tasks)

    def health(self) -> Health:
        return self._store.health()

    def halts(self) -> Halts:
        return self._store.halts()

    def change_halts(self, change: Callable[[Halts], Halts]) -> Halts:
        with self._changed:
            halts = self._store.change_halts(change)
            self._start_next()
            return halts

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        """Cancel all jobs: they live in this process alone. Idempotent.

        Waits some seconds for their functions to return, and logs which ones don't.
        """
        with self._changed:
            # First the queue: a slot that becomes free would be for the next of it.
            for job_id in [*self._store.queued(), *self._store.slots.all()]:
                for requester in self._store.read(job_id).staying:
                    self.cancel(str(Ticket(job=job_id, requester=requester.id)))
                self._store.end(job_id, Status.CANCELLED)
            self._changed.notify_all()
        deadline = time.monotonic() + CLOSE_TIMEOUT
        for thread, task in list(self._threads.items()):
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                logger.warning(
                    "%s still runs: look at current_job().cancelled in its loops.", task
                )

    def _places(self, code: str) -> dict[str, Place]:
        return places(self._store, code, self._sizes)

    def _has_ended(self, job_id: str) -> bool:
        return self._store.read(job_id).status.is_terminal

    def _after_change(self) -> None:
        """End what was cancelled, and start what may start."""
        # A thread can't be killed: the job ends without it, unless it has a grace.
        for job_id in self._store.slots.all():
            record = self._store.read(job_id)
            if limits.judge(record, Times(), time.monotonic()).must_stop:
                self._store.end(job_id, Status.CANCELLED)
        self._start_next()

    def _start_next(self) -> None:
        """Start the first jobs of the queue, as many as there are free slots."""
        for job_id in self._store.slots.all():
            if self._store.read(job_id).status is not Status.RUNNING:
                self._store.slots.release(job_id)
        for job in self._store.dispatching.handed_over():
            self._store.dispatching.take_over(job.id, _CODE)
        while taken := self._store.dispatching.take(_CODE, _ME, self._sizes):
            self._start(taken, self._store.call(taken.id))
        self._changed.notify_all()

    def _start(self, record: Record, call: Call | None) -> None:
        if call is not None:
            task = self._tasks[call.task]
            thread = threading.Thread(
                target=self._run,
                args=(record, task, call),
                name=f"dash-long-job-{record.id}",
                daemon=True,
            )
            self._threads[thread] = task.name
            thread.start()

    def _run(self, record: Record, task: Task, call: Call) -> None:
        job_id, run = record.id, record.run

        def write(report: Report) -> None:
            self._store.change(
                job_id, lambda job: job.of_run(run).report(time.time(), report)
            )

        stored = _StoredRun(self._store, record)
        # In the request that starts a job, its page does not know it yet.
        answers = None if self._inline else stored
        job = CurrentJob(
            record,
            lambda: self._store.is_unwanted(job_id),
            stored,
            answers=answers,
        )
        try:
            outcome = runtime.run_once(task, call, job, write, self._results)
        except Exception as error:
            outcome = failure(task.name, error, call, job=job)
        with self._changed:
            del self._threads[threading.current_thread()]
            with suppress(JobEndedError):
                self._store.change(
                    job_id,
                    lambda job: outcome.end(job.of_run(run), time.time()),
                    outcome.result,
                )
            self._start_next()


class _StoredRun:
    """The checkpoint of a job and the answers that it gets, in one of its runs."""

    def __init__(self, store: Store, record: Record) -> None:
        self._store = store
        self._record = record

    def load(self) -> str | None:
        return self._store.checkpoint(self._record.id)

    def save(self, text: str) -> bool:
        self._store.save_checkpoint(self._record.id, self._record.run, text)
        return False  # its only worker is this process

    def look(self, question: str) -> Look:
        answer = answers.given(self._store, self._record.id, self._record.run, question)
        return Look(answer, must_stop=False)

    def close(self, question: str) -> str | None:
        return answers.close(self._store, self._record.id, self._record.run, question)


class _ResultCache:
    """Cached results, by key, with the monotonic time at which each goes."""

    def __init__(self) -> None:
        self._results: dict[str, tuple[CachedResult, float]] = {}

    def get(self, caching: Caching) -> CachedResult | None:
        result, until = self._results.get(caching.key, (None, 0.0))
        if result is None or until < time.monotonic():
            return None
        if caching.is_renewed:
            self.put(caching, result)
        return result

    def put(self, caching: Caching, result: CachedResult) -> None:
        seconds = float("inf") if caching.lifetime is None else caching.lifetime
        self._results[caching.key] = (result, time.monotonic() + seconds)
