"""The contract that every manager keeps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..jobs import Call, Lane
from ..records import Snapshot
from ..tasks import Task

if TYPE_CHECKING:
    import dash


class LongCallbackManager(ABC):
    """Starts, reads and cancels jobs.

    Every method may be called from any thread of any server process.

    Attributes:
        handle: what the manager wraps (a ``diskcache.Cache``, a ``celery.Celery``).
        app_modules: names of the modules that make the apps that it serves.
    """

    handle: Any

    def __init__(self) -> None:
        self.app_modules: set[str] = set()

    def init_app(self, app: dash.Dash, user: Callable[[], Any] | None = None) -> None:
        """Give ``app`` long callbacks that this manager runs.

        For a plain ``dash.Dash`` or any subclass of it; ``dash_long_components.Dash``
        does it itself. Calling it again with the same app changes nothing.

        Args:
            app: on a Flask server.
            user: returns who sends the request at hand, whose jobs nobody else can
                read or cancel; ``dash_long_components.init_app`` says more.
        """
        from ..app import init_app

        init_app(app, self, user)

    @abstractmethod
    def submit(self, task: Task, call: Call, lane: Lane | None = None) -> str | None:
        """Make a job of ``call`` and return its id.

        Atomic: when it returns, the job stands in the store and will end in a
        terminal status. A job that finds the queue full is ``rejected``, and one that
        comes after a later one of a lane that replaces is ``cancelled``: both are for
        the reader of the snapshot to see and no error here.

        Returns:
            None if there is no job: ``lane`` ignores triggers while one is live in it.
        """

    @abstractmethod
    def read(self, job_id: str, cursor: int) -> Snapshot:
        """Return what is new since ``cursor``; a cursor that stays says: nothing.

        Never changes the job: any number of readers may read it at any time.

        Raises:
            KeyError: no such job, or its record has outlived its time.
        """

    def read_all(self, readings: Sequence[tuple[str, int]]) -> list[Snapshot | None]:
        """Do ``read`` for several jobs at once, by position. None: a job is missing.

        A page asks for all its jobs together; a manager that can look them all up in
        the time of one should.
        """
        snapshots: list[Snapshot | None] = [None] * len(readings)
        for position, (job_id, cursor) in enumerate(readings):
            with suppress(KeyError):
                snapshots[position] = self.read(job_id, cursor)
        return snapshots

    @abstractmethod
    def cancel(self, job_id: str) -> None:
        """Ask for the end of a job. Idempotent; of no effect if it has ended.

        A queued job is ``cancelled`` at once. A running one is ended, with all its
        child processes, shortly after. A job that is missing is no error.
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
