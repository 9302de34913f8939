"""A job as code sees it: to follow, to cancel, to wait for."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ...core.answers import over, question_of
from ...core.caching import CachedResult
from ...core.ids import Ticket, new_job_id
from ...core.overview import progress_of
from ...core.owners import user_of
from ...core.questions import Question
from ...core.records import Record
from ...core.status import Status
from ...exceptions import JobNotFoundError, StoreError, UnsuccessfulJobError
from ...running import returned
from . import hooks
from .job_manager import JobManager
from .new_records import new_record

#: Seconds for which a job's attributes do not read the store again.
FRESH = 0.1

#: Seconds between two reads of ``wait``: at first, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.25


class Job:
    """A job of a manager. Its attributes read the job store.

    They are at most 0.1 s old, and do not change after the end of the job. All raise
    ``JobNotFoundError`` when its record has expired, and ``StoreError`` when the job
    store can't be used.

    Attributes:
        id: random, of 22 characters.
        task: name of the task, as ``module.function``.
    """

    def __init__(
        self,
        manager: JobManager,
        record: Record,
        owner: str | None = None,
        ticket: Ticket | None = None,
    ) -> None:
        """Make the job of a record. The package does this, not the app.

        Args:
            manager: has the job.
            record: was read just now.
            owner: the user who sees it, as JSON text; None for everyone.
            ticket: the one to cancel; None for all that the user sees.
        """
        self.id = record.id
        self.task = record.task
        self._manager = manager
        self._owner = owner
        self._ticket = ticket
        self._load: Callable[[], bytes | None] = lambda: manager.load_result(self.id)
        self._keep(record)

    def _keep(self, record: Record) -> None:
        self._last = record
        self._read_at = time.monotonic()

    @classmethod
    def found(cls, manager: JobManager, job_id: str, owner: str | None) -> Job:
        """Return the job with an id, if a user may see it.

        Raises:
            JobNotFoundError: there is no such job for this user.
        """
        try:
            record = manager.look_up(job_id)
        except KeyError:
            raise _missing(job_id) from None
        if owner is not None and not record.is_of(owner):
            raise _missing(job_id)
        return cls(manager, record, owner)

    @property
    def status(self) -> Status:
        """Its status: ``queued``, ``running``, ``succeeded``, ``failed``, and so on.

        A ``str`` too: ``job.status == "running"``.
        """
        return self._status_of(self._record())

    @property
    def has_ended(self) -> bool:
        """Whether its status is final."""
        return self.status.is_terminal

    @property
    def title(self) -> str:
        """Its name for people; that of its task if it has no other."""
        title = self._record().title
        return (title and title[1]) or self.task

    @property
    def user(self) -> Any:
        """The user who started it; None if it belongs to no user."""
        return user_of(self._record().owner)

    @property
    def created(self) -> float:
        """When it was submitted, in seconds since the epoch."""
        return self._last.created

    @property
    def started(self) -> float | None:
        """When its function began, in seconds since the epoch; None if it has not."""
        return self._record().started

    @property
    def ended(self) -> float | None:
        """When it ended, in seconds since the epoch; None if it has not."""
        record = self._record()
        return record.changed if record.status.is_terminal else None

    @property
    def progress(self) -> float | None:
        """How much of it is done, from 0 to 1; None if it does not tell.

        That is what its first progress bar shows.
        """
        return progress_of(self._record())

    @property
    def log(self) -> list[str]:
        """The last lines of its log, 100 at most."""
        return [text for _number, text in self.lines()]

    def lines(self, after: int = 0) -> list[tuple[int, str]]:
        """Return the lines of its log with their numbers, which go up from 1.

        Args:
            after: number of a line; only later ones. Lines that were written while no
                one looked may be missing: there are 100 at most.
        """
        return [
            (int(number), str(text))
            for _at, (number, text, *_rest) in self._record().log
            if int(number) > after
        ]

    @property
    def error(self) -> str | None:
        """Why it did not succeed, for people; None if it did, or has not ended."""
        error = self._record().error
        return None if error is None else f"{error.type}: {error.message}"

    def result(self, timeout: float | None = None) -> Any:
        """Wait for its end, and return what its function returned, as JSON data.

        One value if it has one Output, else the grouping of its Outputs. A figure is a
        dict. In a process that has not imported the app, and where ids have wildcards,
        it is a dict of values by ``id.property``.

        Args:
            timeout: seconds to wait at most; None for no limit.

        Raises:
            UnsuccessfulJobError: it has failed, or was ended.
            TimeoutError: it has not ended in time.
        """
        status = self.wait(timeout)
        if status is not Status.SUCCEEDED:
            error = self._last.error
            raise UnsuccessfulJobError(
                f"Job {self.id} of {self.task} has no result, it is {status.value}."
                f"{f' {self.error}' if error else ''}",
                status.value,
                error.type if error else None,
            )
        try:
            response = self._load()
        except KeyError:
            raise _missing(self.id) from None
        return returned.value_of(response, self.task)

    def wait(self, timeout: float | None = None) -> Status:
        """Wait for its end, and return its status.

        Args:
            timeout: seconds to wait at most; None for no limit.

        Raises:
            TimeoutError: it has not ended in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_PAUSE
        while not (status := self._status_of(self._record(0.0))).is_terminal:
            left = pause if deadline is None else deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(
                    f"Job {self.id} of {self.task} is {status.value} after {timeout} s."
                )
            time.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)
        return status

    def cancel(self) -> None:
        """Cancel it. Idempotent; no effect if it has ended.

        A queued job ends at once, a running one shortly after: ``wait`` tells. A job
        that others wait for as well goes on for them, if it is that of ``start`` or of
        a user. Without either, it ends for all.
        """
        for requester in self._mine(self._record(0.0)):
            self._manager.cancel(str(Ticket(job=self.id, requester=requester)))
        with suppress(JobNotFoundError):
            self._record(0.0)

    def retry(self) -> Job:
        """Start a job with the same arguments, for the same user, and return that.

        For a job that has ended without success, of a manager with ``keep_calls=True``.
        It can be retried once. After that, retry the new job.
        No page follows the new job. But the ``LongJobTray(scope="user")`` of its user
        has it, and shows its result on the page that asked for this one.

        Raises:
            ValueError: the job has not ended, or has succeeded, or its arguments were
                not kept, or it was retried before.
            MissingManagerError: no app of this process has the job's callback.
        """
        record = self._record(0.0)
        if not record.status.is_terminal or record.status is Status.SUCCEEDED:
            raise ValueError(
                f"Job {self.id} of {self.task} is {record.status.value}. Only a job "
                "that has ended without success can be retried."
            )
        owner = record.owner if self._owner is None else self._owner
        call = self._manager.kept_call(self.id)
        answer = (
            None if call is None else hooks.retry(self._manager, record, call, owner)
        )
        if answer is None:
            raise ValueError(
                f"The arguments of job {self.id} of {self.task} were not kept, or a "
                "retry has taken them. Pass keep_calls=True to the manager, for jobs "
                "from then on."
            )
        return started_job(self._manager, self.task, answer, owner)

    @property
    def question(self) -> Question | None:
        """Its question, with ``text``, ``choices`` and ``default``; None for none."""
        return question_of(self._record())

    def answer(self, answer: str, question: Question | None = None) -> None:
        """Answer the question that it asks. The first answer counts.

        Args:
            answer: one of the question's choices, or a text if it has none.
            question: which one, from ``question``; by default the one that it asks now.

        Raises:
            QuestionOverError: it asks nothing, or not this question any more.
            ValueError: the answer is none to the question.
        """
        record = self._record(0.0)
        asked = question or question_of(record)
        mine = [it.id for it in record.staying if it.id in self._mine(record)]
        if asked is None or not mine:
            raise over(self.id)
        ticket = Ticket(job=self.id, requester=mine[0])
        self._manager.answer(str(ticket), asked.id, answer)

    def link(self, *, share: bool = False) -> str:
        """Return the path of a link that opens its page and shows it there.

        The page needs a ``LongJobTray``. The link works until the job's record expires,
        30 days at most.

        Args:
            share: let everyone who has the link see the job, who can't cancel it. By
                default only the job's user can open the link. A job that belongs to no
                user has a link for everyone.

        Raises:
            ValueError: no page has started the job.
            MissingManagerError: no app of this process has the manager.
        """
        record = self._record()
        mine = self._mine(record)
        for requester in record.requesters:
            if requester.destination is not None and requester.id in mine:
                return hooks.link(self._manager, record, requester, share)
        raise ValueError(
            f"Job {self.id} of {self.task} has no page to link to: code has started "
            "it, or a page of an older version."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what there is to know of it, as JSON data; times in seconds."""
        return {
            "id": self.id,
            "task": self.task,
            "title": self.title,
            "status": self.status.value,
            "user": self.user,
            "created": self.created,
            "started": self.started,
            "ended": self.ended,
            "progress": self.progress,
            "question": self.question and self.question.text,
            "error": self.error,
        }

    def _status_of(self, record: Record) -> Status:
        """Return a status as those see it whose job this is."""
        mine = self._mine(record)
        staying = {requester.id for requester in record.staying}
        return Status.CANCELLED if mine and not staying & mine else record.status

    def _mine(self, record: Record) -> set[str]:
        """Return the ids of the requesters that ``cancel`` is for."""
        if self._ticket is not None:
            return {self._ticket.requester}
        return {
            requester.id
            for requester in record.requesters
            if self._owner in (None, requester.owner)
        }

    def _record(self, age: float = FRESH) -> Record:
        """Return its record, which was read so many seconds ago at most."""
        is_fresh = time.monotonic() - self._read_at < age
        if not (is_fresh or self._last.status.is_terminal):
            try:
                self._keep(self._manager.look_up(self.id))
            except KeyError:
                raise _missing(self.id) from None
        return self._last

    def __repr__(self) -> str:
        return f"<Job {self.id} of {self.task}>"


def started_job(
    manager: JobManager, task: str, answer: str | CachedResult, owner: str | None
) -> Job:
    """Return the job that a manager has just started.

    Args:
        manager: of the job.
        task: name of its task.
        answer: the ticket, or the cached result, that the manager has returned.
        owner: the user to whom it belongs, as JSON text; None if it has none.
    """
    if isinstance(answer, CachedResult):
        return _cached_job(manager, task, answer, owner)
    ticket = Ticket.parse(answer)
    try:
        record = manager.look_up(ticket.job)
    except StoreError:
        # It has started. An error would say that it has not.
        record = new_record(ticket, task, owner)
    return Job(manager, record, owner, ticket)


def _cached_job(
    manager: JobManager, task: str, cached: CachedResult, owner: str | None
) -> Job:
    """Return a job that has succeeded with a cached result. No store knows it."""
    record = new_record(Ticket(job=new_job_id(), requester="0"), task, owner)
    job = Job(manager, replace(record, status=Status.SUCCEEDED), owner)
    job._load = lambda: cached.response
    return job


def _missing(job_id: str) -> JobNotFoundError:
    return JobNotFoundError(
        f"There is no job {job_id!r}, or its record has expired (result_ttl of the "
        "manager, result_expires of Celery)."
    )
