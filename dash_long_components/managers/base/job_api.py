"""Jobs that code starts and follows: the part of a manager that needs no page."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

from ...core import app_origin, search
from ...core.caching import CachedResult
from ...core.calls import Call
from ...core.owners import EVERYONE, owner_of
from ...core.records import Record
from ...core.search import Search
from ...running import tasks
from .job import Job, started_job

#: Starts a job: ``direct_start.start``.
Start = Callable[..., tuple[str, str | CachedResult]]

_start: Start


def start_jobs_with(start: Start) -> None:
    """Make ``LongCallbackManager.start`` call ``start``.

    The decorator's layer calls this on import: managers must not import it.
    """
    global _start
    _start = start


class JobApi(ABC):
    """Starts jobs, and finds them by their ids or attributes."""

    def start(
        self,
        function: Callable[..., Any],
        /,
        *args: Any,
        user: Any = EVERYONE,
        **kwargs: Any,
    ) -> Job:
        """Start a job of a long callback from code, and return the job.

        For ordinary callbacks, routes of the server, scripts, cron and Celery beat.
        The job runs as if a page had sent the arguments, and no page shows it. With
        ``cache_by``, its result is cached: a page that sends the same arguments gets
        it at once. If the result is cached already, no job runs, and the job that this
        returns has ended. If a job with the same cache key is live, this returns that
        job.

        Returns at once. If the queue is full, the job is ``rejected``.

        Args:
            function: that ``long_callback`` has decorated.
            args: of the function, without ``set_progress``: a value for each Input and
                State, JSON serializable.
            user: the job's owner, who may read and cancel it from pages and code. A
                value that is JSON serializable, like that of ``user=`` of the app. By
                default the job belongs to no user.
            kwargs: of the function.

        Raises:
            MissingManagerError: no app of this process has the manager.
            ImportedScriptError: the dispatcher imports the calling module.
            TypeError: the function takes other arguments, or one of them is not JSON
                serializable.
            ValueError: the function is not that of one long callback of this manager,
                or ids of its Inputs, State or Outputs have wildcards.
            StoreError: the job store can't be used.
        """
        app_origin.refuse_in_import("start()")
        owner = owner_of(user)
        task, answer = _start(self, function, args, kwargs, owner)
        return started_job(self, task, answer, owner)

    def job(self, job_id: str, *, user: Any = EVERYONE) -> Job:
        """Return a job.

        Args:
            job_id: its id.
            user: only a job of this user. By default of any user: give the user where
                the id comes from a user.

        Raises:
            JobNotFoundError: there is no such job, its record has expired, or it is
                another user's.
            StoreError: the job store can't be used.
        """
        return Job.found(self, job_id, owner_of(user))

    def jobs(
        self,
        *,
        status: str | Iterable[str] | None = None,
        task: str | Callable[..., Any] | None = None,
        user: Any = EVERYONE,
        limit: int = 100,
    ) -> list[Job]:
        """Return jobs, the newest first: live ones, and ended ones with a record.

        Args:
            status: one status or several: ``queued``, ``running``, ``succeeded``,
                ``failed``, ``cancelled``, ``timed_out``, ``lost``, ``rejected``. By
                default any.
            task: name of the task as ``module.function``, or the function. By default
                any.
            user: only jobs of this user. By default of any user, or of none.
            limit: how many jobs at most.

        Raises:
            ValueError: there is no such status, or ``limit`` is not a whole number
                above zero.
            StoreError: the job store can't be used.
        """
        if callable(task):
            task = tasks.name_of(task)
        owner = owner_of(user)
        found = Search(
            statuses=search.statuses(status),
            task=task,
            owner=owner,
            limit=search.limit(limit),
        )
        return [Job(self, record, owner) for record in self.look_for(found)]

    @abstractmethod
    def look_up(self, job_id: str) -> Record:
        """Return the record of a job.

        Like ``read``, it never changes the job.

        Raises:
            KeyError: there is no such job, or its record has expired.
            StoreError: the job store can't be used.
        """

    @abstractmethod
    def look_for(self, search: Search) -> list[Record]:
        """Return the records of the jobs that a search finds, in its order.

        Its cost does not grow with the number of jobs in the store, where the store has
        an index.

        Raises:
            StoreError: the job store can't be used.
        """

    def kept_call(self, job_id: str) -> Call | None:
        """Return what a job has run, if it has not succeeded and its call was kept.

        None if there is no such job, or ``keep_calls`` was not set at its start.

        Raises:
            StoreError: the job store can't be used.
        """
        return None

    @abstractmethod
    def load_result(self, job_id: str) -> bytes | None:
        """Return Dash's own response, as JSON text, of a job that has succeeded.

        None if its function updated nothing.

        Raises:
            KeyError: there is no such job, or its record has expired.
            StoreError: the job store can't be used.
        """

    @abstractmethod
    def cancel(self, ticket: str) -> None:
        """Cancel a ticket. Idempotent; no effect if the job has ended or is missing.

        With its last ticket, the job ends: a queued one at once, a running one shortly
        after, with all its child processes.
        """

    @abstractmethod
    def answer(self, ticket: str, question: str, answer: str) -> None:
        """Answer a question of a running job. The first answer counts. Atomic.

        Every ticket of a job may answer that has not cancelled.

        Args:
            ticket: of the job.
            question: id of the question.
            answer: one of its choices, or a text.

        Raises:
            QuestionOverError: the job does not wait for this answer: it has got another
                one, its time is over, or the job has ended or is missing.
            ValueError: the answer is none to this question.
            StoreError: the job store can't be used.
        """
