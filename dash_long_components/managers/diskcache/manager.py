"""The manager for one machine: job records on disk, workers beside the server."""

from __future__ import annotations

import base64
import functools
import getpass
import hashlib
import logging
import multiprocessing
import os
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from ...core import quantities
from ...core.caching import CacheBy, CachedResult
from ...core.forecasts import Forecasts
from ...core.jobs import Call, JobError, Lane, Status, Ticket, new_job_id
from ...core.records import Record
from ...core.snapshots import Place, Snapshot
from ...exceptions import StoreError, StoreUnavailableError, TaskNotFoundError
from ...running import tasks
from ...running.tasks import Task
from ..base import LongCallbackManager
from .result_cache import ResultCache

if TYPE_CHECKING:
    import diskcache

    from .launcher import Launcher

logger = logging.getLogger("dash_long_components")

_EXTRA = (
    "DiskcacheLongCallbackManager needs packages that are missing: "
    'pip install "dash-long-components[diskcache]"'
)


P = ParamSpec("P")
T = TypeVar("T")
Self = TypeVar("Self", bound="DiskcacheLongCallbackManager")


def _tells_outages(
    method: Callable[Concatenate[Self, P], T],
) -> Callable[Concatenate[Self, P], T]:
    """Have a method raise StoreUnavailableError while the store is not to be used."""

    @functools.wraps(method)
    def tell(self: Self, /, *args: P.args, **kwargs: P.kwargs) -> T:
        from .outages import told

        try:
            with told(self._connect().store):
                return method(self, *args, **kwargs)
        except StoreUnavailableError:
            raise
        except StoreError:
            self.close()  # the next call opens a new store
            raise

    return tell


class DiskcacheLongCallbackManager(LongCallbackManager):
    """Runs jobs in processes of their own on this machine.

    All server processes that use the same cache directory share one queue. Records of
    jobs are kept beside the cache's own entries, where its eviction can't reach them.

    Args:
        cache: a ``diskcache.Cache`` or ``diskcache.FanoutCache``; its ``directory``
            says where jobs are kept. Without one, a cache is made in the system's
            directory for temporary files, the same one whenever the calling module
            makes it.
        cache_by: a function without arguments or a list of them. With it, results are
            cached in ``cache`` for equal calls, while these
            functions return the same. An empty list caches too.
        expire: seconds since its last use after which a cached result goes. Without
            it, ``cache`` itself says what goes, and when.
        max_concurrency: how many jobs run at once. By default one for each CPU that
            the process's affinity and the container's quota allow, at least two.
        max_queue: how many jobs may wait; a further one is ``rejected``.
        queue_timeout: seconds that a job may wait; then it ends as ``timed_out``. By
            default it waits for as long as it takes.
        result_ttl: seconds for which the record of an ended job is kept, at least.
        start_method: how a worker is made: ``"fork"`` is quick and the default on
            Linux, ``"spawn"`` imports the app again for every job.

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
        max_concurrency: int | None = None,
        max_queue: int = 1000,
        queue_timeout: float | None = None,
        result_ttl: float = 3600,
        start_method: str | None = None,
    ) -> None:
        super().__init__(cache_by, expire)
        try:
            import cloudpickle  # noqa: F401
            import diskcache

            from . import cpus, launcher  # noqa: F401
        except ImportError as error:
            raise ImportError(_EXTRA) from error
        if cache is None:
            caller = sys._getframe(1).f_globals.get("__file__", "")
            cache = diskcache.Cache(_default_directory(caller))
        elif not isinstance(cache, diskcache.Cache | diskcache.FanoutCache):
            raise ValueError(
                "First argument must be a diskcache.Cache or diskcache.FanoutCache "
                "object"
            )
        self.handle = cache
        if max_concurrency is None:
            max_concurrency = cpus.default_concurrency()
        self._max_concurrency = quantities.count("max_concurrency", max_concurrency)
        self._max_queue = quantities.count("max_queue", max_queue)
        self._queue_timeout = quantities.seconds_or_none("queue_timeout", queue_timeout)
        self._result_ttl = quantities.seconds("result_ttl", result_ttl)
        self._start_method = _check_start_method(start_method)
        self._lock = threading.Lock()
        self._launcher: Launcher | None = None
        self._forecasts = Forecasts(self._places)
        self._secret: bytes | None = None
        self._results = ResultCache(cache)
        self._tasks: dict[str, Task] = {}

    @_tells_outages
    def submit(
        self, task: Task, call: Call, lane: Lane | None = None
    ) -> str | CachedResult | None:
        launcher = self._connect()
        kept = self._results.get(call.caching) if call.caching else None
        if kept is not None:
            admission = launcher.store.pass_by(lane)
            if admission.replaced:
                launcher.wake()
            if not admission.needs_job_for_hit:
                return kept if admission.shows_hit else None
        self._tasks[task.key] = task
        if launcher.lacks(task):
            with suppress(TaskNotFoundError):  # its worker will ask for it
                call = replace(call, function=_pickle(task, ""))
        now = time.time()
        record = Record(
            id=new_job_id(),
            task=task.name,
            code=launcher.code,
            limits=call.limits,
            key=call.caching.key if call.caching else None,
            created=now,
            changed=now,
        )
        ticket = launcher.store.submit(
            record,
            call,
            max_concurrency=self._max_concurrency,
            max_queue=self._max_queue,
            queue_timeout=self._queue_timeout,
            lane=lane,
        )
        if ticket is None:
            return None
        launcher.wake()
        return str(ticket)

    @_tells_outages
    def read(self, ticket: str, cursor: int) -> Snapshot:
        launcher, asked = self._connect(), Ticket.parse(ticket)
        return self._snapshot(
            launcher, launcher.store.read(asked.job), asked.requester, cursor
        )

    @_tells_outages
    def read_all(self, readings: Sequence[tuple[str, int]]) -> list[Snapshot | None]:
        launcher = self._connect()
        asked = [(Ticket.parse(ticket), cursor) for ticket, cursor in readings]
        records = launcher.store.read_all([ticket.job for ticket, _ in asked])
        snapshots: list[Snapshot | None] = [None] * len(readings)
        for position, (ticket, cursor) in enumerate(asked):
            with suppress(KeyError):
                snapshots[position] = self._snapshot(
                    launcher, records[ticket.job], ticket.requester, cursor
                )
        return snapshots

    def _snapshot(
        self, launcher: Launcher, record: Record, requester: str, cursor: int
    ) -> Snapshot:
        if not record.status.is_terminal:
            launcher.ensure()
            if launcher.has_failed:
                error = JobError(
                    type="NoDispatcher",
                    message="The process that runs jobs can't be started: see the "
                    "server's log.",
                    task=record.task,
                )
                launcher.store.end(record.id, Status.LOST, error)
                record = launcher.store.read(record.id)
            if record.unknown is not None:
                self._give_function(launcher, record, record.unknown)
            launcher.store.see(record, requester)
        snapshot = record.since(cursor, requester)
        if snapshot.status is Status.QUEUED:
            return replace(snapshot, place=self._forecasts.place(record))
        if snapshot.has_begun:
            estimate = launcher.store.durations.median(record.task)
            return replace(snapshot, estimate=estimate)
        if snapshot.status is Status.SUCCEEDED and snapshot.cursor > cursor:
            return replace(snapshot, result=launcher.store.result(record.id))
        return snapshot

    def _give_function(self, launcher: Launcher, record: Record, reason: str) -> None:
        """Send the function of a job that its worker does not know, if it is here."""
        call = launcher.store.call(record.id)
        task = call and (self._tasks.get(call.task) or tasks.find(call.task))
        if not task:
            return
        try:
            launcher.store.give_function(record.id, _pickle(task, reason))
        except TaskNotFoundError as error:
            logger.error("%s", error)
            launcher.store.end(
                record.id,
                Status.FAILED,
                JobError(type=type(error).__name__, message=str(error), task=task.name),
            )

    @_tells_outages
    def cancel(self, ticket: str) -> None:
        launcher = self._connect()
        launcher.store.leave(Ticket.parse(ticket))
        launcher.wake()

    def secret(self) -> bytes:
        # Every poll asks.
        if self._secret is None:
            self._secret = self._read_secret()
        return self._secret

    @_tells_outages
    def _read_secret(self) -> bytes:
        return self._connect().store.secret()

    @_tells_outages
    def libraries(self) -> frozenset[str]:
        return self._connect().store.libraries()

    @_tells_outages
    def warm_up(self) -> None:
        self._connect().ensure()

    def close(self) -> None:
        with self._lock:
            launcher, self._launcher = self._launcher, None
        if launcher is not None:
            launcher.close()

    def _places(self, code: str) -> dict[str, Place]:
        from ..store.places import places

        return places(self._connect().store, code, self._max_concurrency)

    def _connect(self) -> Launcher:
        """Return this process's own connection: a forked server makes a new one."""
        launcher = self._launcher
        if launcher is None or launcher.pid != os.getpid():
            with self._lock:
                launcher = self._launcher
                if launcher is None or launcher.pid != os.getpid():
                    launcher = self._launcher = self._make_launcher()
        return launcher

    def _make_launcher(self) -> Launcher:
        from ..store.store import Store
        from . import app_code, outages
        from .launcher import Launcher
        from .settings import Settings

        _warn_of_own_directory(str(self.handle.directory))
        directory = os.path.join(str(self.handle.directory), "long-jobs")
        settings = Settings(
            directory=os.path.abspath(directory),
            result_ttl=self._result_ttl,
            code=app_code.version(),
            max_concurrency=self._max_concurrency,
            start_method=self._start_method,
            results=self._results.dumps(),
            app=app_code.AppCode.current(self.apps, tasks.modules()),
        )
        store = Store(directory, self._result_ttl)
        with outages.told(store):
            launcher = Launcher(store, settings)
        weakref.finalize(self, launcher.close)
        return launcher


def _pickle(task: Task, reason: str) -> str:
    """Return a task by value, base64: its function comes with no import.

    Args:
        task: which one.
        reason: why the dispatcher does not know it.

    Raises:
        TaskNotFoundError: something that it uses can't be pickled.
    """
    import cloudpickle

    try:
        return base64.b64encode(cloudpickle.dumps(task)).decode()
    except Exception as error:  # classes raise what they like
        reason += f" It can't be sent there by value either: {error}."
        raise TaskNotFoundError.of(task.name, reason) from error


def _warn_of_own_directory(directory: str) -> None:
    """Warn of the directory that ``diskcache.Cache()`` makes for one process alone."""
    parent, name = os.path.split(os.path.abspath(directory))
    if name.startswith("diskcache-") and parent == tempfile.gettempdir():
        logger.warning(
            "Jobs are kept in %s, which diskcache.Cache() made for this process: "
            "another web process, or the next start, does not find them. Pass a "
            'directory, as in diskcache.Cache("./cache").',
            directory,
        )


def _default_directory(caller: str) -> str:
    """Return a directory of the user's own that is the same for the same caller.

    All processes of a server have to find the same one, after a restart too.

    Raises:
        StoreError: another user has made it.
    """
    place = hashlib.sha256(f"{os.getcwd()}\0{caller}".encode()).hexdigest()[:16]
    if sys.platform == "win32":
        user = getpass.getuser()
    else:
        # Not the user's name: a container's user may have none.
        user = str(os.getuid())
    root = os.path.join(tempfile.gettempdir(), f"dash-long-components-{user}")
    os.makedirs(root, mode=0o700, exist_ok=True)
    # Of a link, and not of where it leads: what is kept there gets unpickled.
    if sys.platform != "win32" and os.lstat(root).st_uid != os.getuid():
        raise StoreError(
            f"{root} belongs to another user. Pass a diskcache.Cache with a directory "
            "of your own to DiskcacheLongCallbackManager."
        )
    return os.path.join(root, place)


def _check_start_method(value: str | None) -> str:
    if value is None:
        # macOS has fork, but its system libraries do not survive one.
        return "fork" if sys.platform == "linux" else "spawn"
    if value not in multiprocessing.get_all_start_methods() or value == "forkserver":
        raise ValueError(f'start_method takes "fork" or "spawn", not {value!r}.')
    return value
