"""The contract of managers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from ...core import caching, quantities
from ...core.app_origin import AppOrigin
from ...core.caching import CacheBy, CachedResult
from ...core.calls import Caching, Call
from ...core.health import Health
from ...core.lanes import Lane
from ...core.snapshots import Snapshot
from ...running import worker_init
from ...running.tasks import Task
from .halting import Halting
from .watches import ReadingWatch, Watch

if TYPE_CHECKING:
    import dash

F = TypeVar("F", bound=Callable[[], Any])

#: Sets up an app for a manager, with the options of ``init_app``.
SetUp = Callable[..., None]

#: Methods that Dash calls on the manager of a background callback.
_OF_DASH = {
    *("build_cache_key", "call_job_fn", "func_registry", "get_progress", "get_result"),
    *("get_updated_props", "job_running", "make_job_fn", "terminate_job", "UNDEFINED"),
}

_set_up: SetUp


def set_up_apps_with(set_up: SetUp) -> None:
    """Make ``LongCallbackManager.init_app`` call ``set_up``.

    The web layer calls this on import: managers must not import the web layer.
    """
    global _set_up
    _set_up = set_up


class LongCallbackManager(Halting, ABC):
    """Starts, reads and cancels jobs.

    Every method may be called from any thread of any server process.

    Attributes:
        handle: the engine's own object (a ``diskcache.Cache``, a ``celery.Celery``).
        apps: how the apps that it serves came to be.
        cache_by: functions whose values are part of cache keys; None to cache nothing.
        expire: seconds after its last use when a cached result expires; None if it
            does not expire. With ``stale_for``, seconds after it was made.
        stale_for: seconds after that for which pages show it while a job refreshes it;
            None if they don't.
        keep_calls: whether jobs that do not succeed can be retried.

    Args:
        cache_by: a function without arguments or a list of them. The manager calls
            them at every trigger, and caches results. An empty list caches too.
        expire: seconds.
        keep_calls: keep the arguments of jobs until they have succeeded, or their
            records expire.
        stale_for: seconds.

    Raises:
        ValueError: an argument has a value of the wrong kind.
    """

    handle: Any

    def __init__(
        self,
        cache_by: CacheBy | Sequence[CacheBy] | None = None,
        expire: float | None = None,
        keep_calls: bool = False,
        stale_for: float | None = None,
    ) -> None:
        self.keep_calls = keep_calls
        self.apps: list[AppOrigin] = []
        self.cache_by = caching.check_cache_by(cache_by)
        self.expire = quantities.seconds_or_none("expire", expire)
        self.stale_for = quantities.seconds_or_none("stale_for", stale_for)
        if stale_for is not None and (cache_by is None or expire is None):
            raise ValueError(
                f"stale_for={stale_for!r} needs cache_by= and expire=, the seconds for "
                "which a result is fresh."
            )

    def init_app(
        self,
        app: dash.Dash,
        user: Callable[[], Any] | None = None,
        entry: str | None = None,
        error_message: Callable[[BaseException], str] | str | None = None,
        admin: Callable[[], Any] | None = None,
    ) -> None:
        """Give ``app`` long callbacks that this manager runs.

        For ``dash.Dash`` and its subclasses; ``dash_long_components.Dash`` does it
        itself. Idempotent.

        Args:
            app: on Flask, FastAPI or Quart.
            user: as for ``dash_long_components.init_app``.
            entry: as for ``dash_long_components.init_app``.
            error_message: as for ``dash_long_components.init_app``.
            admin: as for ``dash_long_components.init_app``.
        """
        _set_up(
            app,
            self,
            user=user,
            entry=entry,
            error_message=error_message,
            admin=admin,
        )

    def worker_init(self, function: F) -> F:
        """Decorate a function to run in each process of jobs, before its first job.

        It opens connections, or disposes those that came with a fork. It runs in the
        application context of the job's app. If it raises an error, the job fails.

        Args:
            function: takes no arguments, and is known after an import of the app.
        """
        return worker_init.add(function)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Dash asks its own managers for these.
            if name in _OF_DASH:
                raise AttributeError(
                    f"{type(self).__name__} runs the jobs of @long_callback(), not of "
                    "dash.callback(background=True). Replace dash.callback by "
                    "dash_long_components.long_callback, leave out background=True, "
                    "and pass the manager as long_callback_manager= to Dash() of "
                    "dash_long_components."
                )
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}"
            )

    @abstractmethod
    def submit(
        self,
        task: Task,
        call: Call,
        lane: Lane | None = None,
        owner: str | None = None,
        again: str | None = None,
    ) -> str | CachedResult | None:
        """Make a job of ``call``, or join a live one, and return a ticket for it.

        Atomic: when it returns, the job is in the store and will end with a terminal
        status. If the queue is full, the job is ``rejected``. In a lane that replaces,
        a job that arrives after a later one is ``cancelled``. The snapshot shows both;
        neither is an error here.

        With ``call.caching``, a cached result comes back itself, without a job. The
        lane treats it as a job that ends at once: it replaces the live jobs, and where
        it would have to wait for them, it becomes a job that waits. While a job with
        the same key is live, the call joins it, even if the queue is full. A shared
        job is cancelled when its last requester cancels.

        The ticket belongs to ``owner``, a user as JSON text; to no user if it is None.

        With ``again``, ``call`` was made from the kept call of that job, which has
        ended. When this returns, that call is kept no more. It is kept if this fails,
        or if the process is killed before the new job is in the store.

        Returns:
            A ticket, for ``read`` and ``cancel``; a cached result; or None if there is
            no job: the lane ignores triggers while a job is live in it, a later trigger
            has replaced this one, or the call of ``again`` is not kept, since another
            retry was first.

        Raises:
            StoreError: the store can't take the job. No job was replaced.
        """

    def stale_result(self, caching: Caching) -> CachedResult | None:
        """Return a cached result that a page may show while a job refreshes it.

        None if there is none, or if the cache can't be read. Override this where the
        manager caches results.

        Args:
            caching: of the call.
        """
        return None

    @abstractmethod
    def read(self, ticket: str, cursor: int) -> Snapshot:
        """Return what is new since ``cursor``; the same cursor if nothing is new.

        Idempotent: any number of readers may read a job at any time, and none takes
        news from another. A reader that finds that a job can't go on (its worker has
        died, it has waited for too long) ends it, once. A cancelled ticket reads
        ``cancelled``, also while the job goes on for others.

        If it can, a manager adds ``place`` to the snapshot of a queued job, and
        ``estimate`` to the first one of a running job. A result comes as
        ``load_result``, so that a reader loads one after the other.

        Raises:
            KeyError: there is no such job, or its record has expired.
        """

    def read_all(self, readings: Sequence[tuple[str, int]]) -> list[Snapshot | None]:
        """Read several jobs at once, by position; None for a job that is missing.

        A page polls for all its jobs at once. Override this where one query for all is
        quicker.
        """
        snapshots: list[Snapshot | None] = [None] * len(readings)
        for position, (ticket, cursor) in enumerate(readings):
            with suppress(KeyError):
                snapshots[position] = self.read(ticket, cursor)
        return snapshots

    def check_queue(self, queue: str, task: str) -> None:
        """Check that a queue exists. By default any may.

        Raises:
            UnknownQueueError: it does not.
        """

    def watch(self) -> Watch:
        """Return what notices changes of jobs while pages wait for them.

        Override this where something costs less than reading all of them.
        """
        return ReadingWatch(self)

    @abstractmethod
    def secret(self) -> bytes:
        """Return a random secret that all server processes of this store share."""

    @abstractmethod
    def libraries(self) -> frozenset[str]:
        """Return the component libraries that jobs have imported.

        Every server process serves their files, even of libraries that it has not
        imported itself.
        """

    def health(self) -> Health:
        """Return whether jobs can run now, and how many wait.

        Cheap: a probe asks every few seconds. The endpoint ``health`` answers with it.

        Raises:
            StoreError: the job store can't be used.
        """
        self.libraries()  # whether the store responds
        return Health()

    @abstractmethod
    def warm_up(self) -> None:
        """Prepare for the first job, without blocking: the app has served a page."""

    @abstractmethod
    def close(self) -> None:
        """Release the resources of this process. Jobs go on. Idempotent."""


def checked(value: Any, name: str) -> LongCallbackManager:
    """Return a manager.

    Raises:
        ValueError: it is something else; the message has ``name``.
    """
    if isinstance(value, LongCallbackManager):
        return value
    raise ValueError(
        f"{name} takes a manager of dash_long_components, like "
        f"DiskcacheLongCallbackManager(cache), not {value!r}."
    )
