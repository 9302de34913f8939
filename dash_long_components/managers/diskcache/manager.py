"""The manager for one machine: job records on disk, workers beside the server."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core import code_version, quantities
from ...core.caching import CacheBy, CachedResult, find_stale
from ...core.calls import Caching, Call
from ...core.forecasts import Forecasts
from ...core.halts import Halts
from ...core.health import Health
from ...core.ids import Ticket
from ...core.job_errors import JobError
from ...core.lanes import Lane
from ...core.overview import Worker
from ...core.queueing import Sizes
from ...core.records import Record
from ...core.search import Search
from ...core.snapshots import Place, Snapshot
from ...core.status import Status
from ...exceptions import TaskNotFoundError
from ...running import tasks
from ...running.tasks import Task
from ..base import LongCallbackManager, Watch
from .dispatcher.wakeup import wake
from .server import interpreter
from .server.connection import Connection, tells_outages
from .server.directory import default_directory
from .worker.by_value import FunctionsByValue, pickled
from .worker.result_cache import ResultCache

if TYPE_CHECKING:
    import diskcache

    from .dispatcher.settings import Settings
    from .server.launcher import Launcher

logger = logging.getLogger("dash_long_components")

_EXTRA = (
    "DiskcacheLongCallbackManager needs packages that are missing: "
    'pip install "dash-long-components[diskcache]"'
)


class DiskcacheLongCallbackManager(LongCallbackManager):
    """Runs jobs in processes of their own on this machine.

    All server processes that use the same cache directory share one queue. Records of
    jobs are stored beside the cache's own entries, where its eviction can't reach them.

    Args:
        cache: a ``diskcache.Cache`` or ``diskcache.FanoutCache``; its ``directory``
            says where jobs are stored. Without one, a cache is made in the system's
            directory for temporary files, the same one whenever the calling module
            makes it.
        cache_by: a function without arguments or a list of them. With it, results are
            cached in ``cache`` for equal calls, while these
            functions return the same. An empty list caches too.
        expire: seconds since its last use after which a cached result goes. Without
            it, ``cache`` itself says what goes, and when.
        stale_for: seconds for which pages still show a result that is older than
            ``expire``, while one job refreshes it for all of them. With it, ``expire``
            counts from when the result was made. By default none is shown.
        max_concurrency: how many jobs run at once. By default one for each CPU that
            the process's affinity and the container's quota allow, at least two. Jobs
            that mostly wait, for a database or a service, need more.
        queues: how many jobs of each named queue run at once, like ``{"gpu": 1}``. The
            queue ``"default"`` has the jobs that name no queue. Give its size here or
            as ``max_concurrency``.
        max_queue: how many jobs may wait in each queue; a further one is ``rejected``.
        queue_timeout: seconds that a job may wait; then it ends as ``timed_out``. By
            default it waits for as long as it takes.
        result_ttl: seconds for which the record of an ended job is stored, at least.
        start_method: how a worker is made: ``"fork"`` is quick and the default on
            Linux, ``"spawn"`` imports the app again for every job.
        start_timeout: seconds that the app may take to start in the process that runs
            jobs. A process that takes longer is killed and replaced. The third time
            in a row, waiting jobs are lost.
        keep_calls: keep the arguments, cookies and headers of jobs that do not succeed
            for as long as their records, so that ``job.retry()`` and operators can
            start them again. By default they are deleted at the end of each job.

    Raises:
        ValueError: an argument is of the wrong kind.
        ImportError: the extra ``diskcache`` is not installed.
    """

    handle: diskcache.Cache | diskcache.FanoutCache

    def __init__(
        self,
        cache: diskcache.Cache | diskcache.FanoutCache | None = None,
        cache_by: CacheBy | Sequence[CacheBy] | None = None,
        expire: float | None = None,
        *,
        stale_for: float | None = None,
        max_concurrency: int | None = None,
        queues: Mapping[str, int] | None = None,
        max_queue: int = 1000,
        queue_timeout: float | None = None,
        result_ttl: float = 3600,
        start_method: str | None = None,
        start_timeout: float = 600,
        keep_calls: bool = False,
    ) -> None:
        super().__init__(cache_by, expire, keep_calls, stale_for)
        try:
            import cloudpickle  # noqa: F401
            import diskcache

            from ..store.intake import Intake
            from .server import launcher  # noqa: F401
            from .worker import cpus
        except ImportError as error:
            raise ImportError(_EXTRA) from error
        if cache is None:
            caller = sys._getframe(1).f_globals.get("__file__", "")
            cache = diskcache.Cache(default_directory(caller))
        elif not isinstance(cache, diskcache.Cache | diskcache.FanoutCache):
            raise ValueError(
                "First argument must be a diskcache.Cache or diskcache.FanoutCache "
                f'object, like diskcache.Cache("./cache"), not {cache!r}.'
            )
        self.handle = cache
        self._sizes = Sizes.check(queues, max_concurrency, cpus.default_concurrency())
        self._result_ttl = quantities.seconds("result_ttl", result_ttl)
        self._start_method = interpreter.check_start_method(start_method)
        interpreter.warn_if_missing()
        self._connection = Connection(
            str(cache.directory),
            self._result_ttl,
            self._settings,
            quantities.seconds("start_timeout", start_timeout),
        )
        self._forecasts = Forecasts(self._places)
        self._secret: bytes | None = None
        self._results = ResultCache(cache)
        self._intake = Intake(
            self._results,
            self._sizes,
            quantities.count("max_queue", max_queue),
            quantities.seconds_or_none("queue_timeout", queue_timeout),
            keep_calls,
        )
        self._functions = FunctionsByValue()

    @tells_outages
    def submit(
        self,
        task: Task,
        call: Call,
        lane: Lane | None = None,
        owner: str | None = None,
        again: str | None = None,
    ) -> str | CachedResult | None:
        launcher = self._connection.launcher()
        is_answered, hit = self._intake.answer(
            launcher.store, call, again, lambda: launcher.pass_by(lane)
        )
        if is_answered:
            return hit
        self._functions.add(task)
        if launcher.lacks(task):
            with suppress(TaskNotFoundError):  # its worker will ask for it
                call = replace(call, function=pickled(task, ""))
        ticket = self._intake.submit(
            launcher.store,
            call,
            task=task.name,
            code=launcher.code,
            lane=lane,
            owner=owner,
            again=again,
        )
        if ticket is None:
            return None
        launcher.wake()
        return str(ticket)

    def stale_result(self, caching: Caching) -> CachedResult | None:
        return find_stale(self._results, caching, time.time())

    @tells_outages
    def read(self, ticket: str, cursor: int) -> Snapshot:
        launcher, asked = self._launcher_of_page(), Ticket.parse(ticket)
        return self._snapshot(
            launcher, launcher.store.read(asked.job), asked.requester, cursor
        )

    @tells_outages
    def read_all(self, readings: Sequence[tuple[str, int]]) -> list[Snapshot | None]:
        launcher = self._launcher_of_page()
        asked = [(Ticket.parse(ticket), cursor) for ticket, cursor in readings]
        records = launcher.store.read_all([ticket.job for ticket, _ in asked])
        snapshots: list[Snapshot | None] = [None] * len(readings)
        for position, (ticket, cursor) in enumerate(asked):
            with suppress(KeyError):
                snapshots[position] = self._snapshot(
                    launcher, records[ticket.job], ticket.requester, cursor
                )
        return snapshots

    def check_queue(self, queue: str, task: str) -> None:
        self._sizes.require(queue, task)

    def watch(self) -> Watch:
        from .watch import StoreWatch

        return StoreWatch(lambda: self._connection.launcher().store)

    def _launcher_of_page(self) -> Launcher:
        """Return the launcher of a process that answers a page."""
        launcher = self._connection.launcher()
        launcher.answer_page()
        return launcher

    def _snapshot(
        self, launcher: Launcher, record: Record, requester: str, cursor: int
    ) -> Snapshot:
        from ..store.snapshots import snapshot

        if not record.status.is_terminal:
            record = self._look_after(launcher, record)
            launcher.store.see(record, requester)
        found = snapshot(
            launcher.store,
            self._forecasts,
            record,
            requester,
            cursor,
            self.load_result,
        )
        if found.status is Status.QUEUED and (hint := launcher.hint()):
            return replace(found, hint=hint)
        return found

    def _look_after(self, launcher: Launcher, record: Record) -> Record:
        """See that a job gets what it needs to run; return its record."""
        launcher.ensure()
        if launcher.has_failed:
            error = JobError(
                type="NoDispatcher",
                message="The process that runs jobs can't be started: see the "
                "server's log.",
                task=record.task,
            )
            launcher.store.dispatching.give_up(record.id, error)
            record = launcher.store.read(record.id)
        if record.unknown is not None:
            self._functions.give(launcher.store, record, record.unknown)
        return record

    @tells_outages
    def look_up(self, job_id: str) -> Record:
        record = self._connection.store().read(job_id)
        launcher = self._connection.existing_launcher()
        if launcher is not None and not record.status.is_terminal:
            # This process may have submitted it, and no page polls for it.
            record = self._look_after(launcher, record)
        return record

    @tells_outages
    def look_for(self, search: Search) -> list[Record]:
        return self._connection.store().searches.find(search)

    @tells_outages
    def look_and_count(self, search: Search) -> tuple[list[Record], int]:
        return self._connection.store().searches.find_and_count(search)

    @tells_outages
    def kept_call(self, job_id: str) -> Call | None:
        return self._connection.store().kept_call(job_id)

    @tells_outages
    def load_result(self, job_id: str) -> bytes | None:
        store = self._connection.store()
        store.read(job_id)
        return store.result(job_id)

    @tells_outages
    def cancel(self, ticket: str) -> None:
        store = self._connection.store()
        store.leave(Ticket.parse(ticket))
        launcher = self._connection.existing_launcher()
        if launcher is not None:
            launcher.wake()
        else:
            for port in store.registry.ports():
                wake(port)

    @tells_outages
    def answer(self, ticket: str, question: str, answer: str) -> None:
        from ..store import answers

        answers.answer(self._connection.store(), ticket, question, answer)

    def secret(self) -> bytes:
        # Every poll asks.
        if self._secret is None:
            self._secret = self._read_secret()
        return self._secret

    @tells_outages
    def _read_secret(self) -> bytes:
        return self._connection.launcher().store.secret()

    @tells_outages
    def libraries(self) -> frozenset[str]:
        return self._connection.launcher().store.libraries()

    @tells_outages
    def count_jobs(self) -> dict[tuple[str, Status], int]:
        return self._connection.store().searches.by_task()

    @tells_outages
    def count_queued(self) -> dict[str, int]:
        queued = self._connection.store().searches.queued()
        return {name: queued.get(name, 0) for name in self._sizes.names} | queued

    @tells_outages
    def workers(self) -> list[Worker]:
        from ..store.workers import workers

        return workers(self._connection.store())

    @tells_outages
    def usual_durations(self, tasks: Sequence[str]) -> dict[str, float | None]:
        return self._connection.store().durations.medians(tasks)

    @tells_outages
    def health(self) -> Health:
        launcher = self._connection.existing_launcher()
        problem = "the process that runs jobs can't be started"
        has_failed = launcher is not None and launcher.has_failed
        return self._connection.store().health(problem if has_failed else None)

    @tells_outages
    def halts(self) -> Halts:
        return self._connection.store().halts()

    @tells_outages
    def change_halts(self, change: Callable[[Halts], Halts]) -> Halts:
        halts = self._connection.store().change_halts(change)
        launcher = self._connection.existing_launcher()
        if launcher is not None:  # else the dispatcher sees it with its next look
            launcher.wake()
        return halts

    @tells_outages
    def warm_up(self) -> None:
        self._launcher_of_page().ensure()

    def close(self) -> None:
        self._connection.close()
        self._results.close()
        self._secret = None  # a new store has another

    def _places(self, code: str) -> dict[str, Place]:
        from ..store.places import places

        return places(self._connection.store(), code, self._sizes)

    def _settings(self) -> Settings:
        from .dispatcher.settings import Settings
        from .worker import app_code

        return Settings(
            directory=os.path.abspath(self._connection.directory),
            result_ttl=self._result_ttl,
            code=code_version.settle(),
            sizes=self._sizes,
            start_method=self._start_method,
            results=self._results.dumps(),
            app=app_code.AppCode.current(self.apps, tasks.modules()),
        )
