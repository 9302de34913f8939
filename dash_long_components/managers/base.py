"""The contract that every manager keeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..core import caching, quantities
from ..core.caching import CacheBy, CachedResult
from ..core.jobs import Call, Lane
from ..core.snapshots import Snapshot
from ..running.tasks import Task

if TYPE_CHECKING:
    import dash

#: Sets up an app for a manager, with the function that says who the user is.
SetUp = Callable[["dash.Dash", "LongCallbackManager", "Callable[[], Any] | None"], None]

_set_up: SetUp


def set_up_apps_with(set_up: SetUp) -> None:
    """Have ``LongCallbackManager.init_app`` call ``set_up``.

    The web layer calls this when the package is imported. Managers do not know the
    web layer, which knows them.
    """
    global _set_up
    _set_up = set_up


class LongCallbackManager(ABC):
    """Starts, reads and cancels jobs.

    Every method may be called from any thread of any server process.

    Attributes:
        handle: what the manager wraps (a ``diskcache.Cache``, a ``celery.Celery``).
        app_modules: names of the modules that make the apps that it serves.
        cache_by: functions whose values belong to the keys of results; None if no
            results are kept for others.
        expire: seconds since its last use after which such a result goes; None for as
            long as the place where it is kept keeps it.

    Args:
        cache_by: a function without arguments or a list of them, called at every
            trigger. With it, an empty list too, results are cached.
        expire: seconds.

    Raises:
        ValueError: an argument is of the wrong kind.
    """

    handle: Any

    def __init__(
        self,
        cache_by: CacheBy | Sequence[CacheBy] | None = None,
        expire: float | None = None,
    ) -> None:
        self.app_modules: set[str] = set()
        self.cache_by = caching.check_cache_by(cache_by)
        self.expire = quantities.seconds_or_none("expire", expire)

    def init_app(self, app: dash.Dash, user: Callable[[], Any] | None = None) -> None:
        """Give ``app`` long callbacks that this manager runs.

        For a plain ``dash.Dash`` or any subclass of it; ``dash_long_components.Dash``
        does it itself. Calling it again with the same app changes nothing.

        Args:
            app: on a Flask server.
            user: returns who sends the request at hand, whose jobs nobody else can
                read or cancel; ``dash_long_components.init_app`` says more.
        """
        _set_up(app, self, user)

    @abstractmethod
    def submit(
        self, task: Task, call: Call, lane: Lane | None = None
    ) -> str | CachedResult | None:
        """Make a job of ``call``, or join one, and return a ticket for it.

        Atomic: when it returns, the job stands in the store and will end in a
        terminal status. A job that finds the queue full is ``rejected``, and one that
        comes after a later one of a lane that replaces is ``cancelled``: both are for
        the reader of the snapshot to see and no error here.

        With ``call.caching``, a result that is kept under its key comes back itself,
        without a job. To the lane it is a job that has ended at once: it replaces
        those that are live in it, and where it would have to wait for them, it becomes
        a job that does. While a job with this key is live, asking for it is joining it
        and needs no free place. It is cancelled when its last requester cancels.

        Returns:
            A ticket, for ``read`` and ``cancel``; a result from the cache; or None, if
            there is nothing to come: ``lane`` ignores triggers while a job is live in
            it, or a later one has replaced this.

        Raises:
            StoreError: the job can't be kept, now at least. It has replaced none.
        """

    @abstractmethod
    def read(self, ticket: str, cursor: int) -> Snapshot:
        """Return what is new since ``cursor``; a cursor that stays says: nothing.

        Never changes the job: any number of readers may read it at any time. A ticket
        that was cancelled reads ``cancelled``, whatever the job does for others.

        A manager that can tell adds ``place`` to the snapshot of a queued job, and
        ``estimate`` to the first one of a running job.

        Raises:
            KeyError: no such job, or its record has outlived its time.
        """

    def read_all(self, readings: Sequence[tuple[str, int]]) -> list[Snapshot | None]:
        """Do ``read`` for several jobs at once, by position. None: a job is missing.

        A page asks for all its jobs together; a manager that can look them all up in
        the time of one should.
        """
        snapshots: list[Snapshot | None] = [None] * len(readings)
        for position, (ticket, cursor) in enumerate(readings):
            with suppress(KeyError):
                snapshots[position] = self.read(ticket, cursor)
        return snapshots

    @abstractmethod
    def cancel(self, ticket: str) -> None:
        """Stop asking for a job. Idempotent; of no effect if it has ended.

        When nobody else asks for it, the job ends: a queued one is ``cancelled`` at
        once, a running one is ended, with all its child processes, shortly after. A
        job that is missing is no error.
        """

    @abstractmethod
    def secret(self) -> bytes:
        """Return a random secret that all server processes with this store share."""

    @abstractmethod
    def libraries(self) -> frozenset[str]:
        """Return the component libraries that jobs have imported.

        A server process that has not imported one serves its files nevertheless.
        """

    @abstractmethod
    def warm_up(self) -> None:
        """Get ready for the first job, without blocking: a page was just served."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what this process holds. Jobs go on; idempotent."""
