"""Errors that this package raises, ordered by who can do something about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import dash


class LongCallbackError(Exception):
    """A long callback went wrong."""


class MissingManagerError(LongCallbackError, ValueError):
    """The app has no manager to run its long callbacks."""


class ImportedScriptError(LongCallbackError):
    """A script started a job while the process that runs jobs imports the script."""


class TaskNotFoundError(LongCallbackError):
    """A worker got a job whose task it does not know."""

    @classmethod
    def of(cls, task: str, reason: str) -> TaskNotFoundError:
        """Say which task, why, and what to do."""
        return cls(
            f"{task} was not found in the process that runs jobs.{reason} Define it at "
            "the top level of a module, or say what makes the app: "
            'long_callback_entry="module:create_app()" in Dash(), or entry= in '
            "init_app()."
        )


class UnknownTaskError(LongCallbackError, ValueError):
    """No long callback has this name, as far as this process and the job store know."""

    @classmethod
    def of(cls, task: str, near: Sequence[str]) -> UnknownTaskError:
        """Say which task, which ones have a name like that, and what to do."""
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        return cls(
            f"There is no task {task!r}.{hint} Name it as module.function. If it has "
            "no jobs yet, import the app: the command takes --app module:attribute."
        )


class CodeChangedError(LongCallbackError):
    """The code of a task has changed since the job was submitted."""


class NoCurrentJobError(LongCallbackError, RuntimeError):
    """Code outside of a job asked for its current job."""


class StoreError(LongCallbackError):
    """The job store can't be used.

    Attributes:
        summary: what a page may know of it. The message is for the log, since it may
            name hosts and paths.
    """

    summary: ClassVar[str] = "the job store can't be used"


class StoreUnavailableError(StoreError):
    """The job store is not responding; try again later."""

    summary = "the job store is not responding"


class StoreFullError(StoreUnavailableError):
    """The disk of the job store is full; free space, or write less."""

    summary = "the disk of the job store is full"


class StoreReadOnlyError(StoreUnavailableError):
    """This process may not write to the job store; change that, or its directory."""

    summary = "the job store can't be written"


class StoreDamagedError(StoreUnavailableError):
    """The job store can't be read any more; move its file away."""

    summary = "the job store is damaged"


class StoreNewerError(StoreUnavailableError):
    """A newer version of this package has made the job store; install that one."""

    summary = "the job store is of a newer version of dash-long-components"


class DrainingError(StoreUnavailableError):
    """No job can be started now: an operator drains the jobs before a restart."""

    summary = "the server is about to restart"


class BrokerUnavailableError(StoreUnavailableError):
    """The broker is not responding; try again later."""

    summary = "the broker is not responding"


class UnknownQueueError(StoreError, ValueError):
    """The manager does not have the queue of a long callback."""

    summary = "the server does not have its queue"


class JobEndedError(LongCallbackError):
    """A job that has ended can't change any more."""


class JobNotFoundError(LongCallbackError, KeyError):
    """There is no such job: its record has expired, or it belongs to another user."""

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError would quote it


class UnsuccessfulJobError(LongCallbackError):
    """A job has no result, because it failed or was ended.

    Attributes:
        status: how it has ended, like ``"failed"``.
        type: class name of the exception that ended it; None if there was none.
    """

    def __init__(self, message: str, status: str = "", type: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.type = type


class PartError(LongCallbackError):
    """A part of ``current_job().map()`` had no end, or can't be sent.

    Attributes:
        kinds: if a part has raised an exception that can't be sent, the names of its
            class and of the bases of that, as ``module.Class``. ``retry_on=`` knows
            the exception by them.
        retry_after: seconds for which that exception asks to wait; None for none.
    """

    kinds: tuple[str, ...] = ()
    retry_after: float | None = None


class WorkflowError(LongCallbackError):
    """A workflow that a function has returned can't be waited for."""


class NoAnswerError(LongCallbackError):
    """No one answered the question of a job in time, and it has no default.

    Pass ``default=`` to ``current_job().ask()`` for such a case.
    """


class QuestionOverError(LongCallbackError):
    """A job does not wait for this answer: it is too late, or another one was first."""


class LastAttemptError(LongCallbackError):
    """``current_job().retry()`` was called, and the job has no further attempt."""


class BadTokenError(LongCallbackError):
    """A token is forged, cut off, too old, or of another user or server."""


class JobCancelled(BaseException):
    """The job was cancelled while its function runs in this process.

    Not an ``Exception``, so that a function that catches those ends nevertheless.
    """


class JobHandedOver(BaseException):
    """The worker of the job stops. The job goes on from its checkpoint with another.

    ``save()`` raises it. Not an ``Exception``, so that a function that catches those
    ends nevertheless.
    """


class JobWaits(BaseException):
    """The function has returned a workflow: its job waits for that, without a worker.

    Not an ``Exception``, so that the app's error handlers do not see it.

    Attributes:
        workflow: what the manager knows it by.
    """

    def __init__(self, workflow: Any) -> None:
        super().__init__()
        self.workflow = workflow


class JobRetry(BaseException):
    """The current attempt of the job ends, and the job is tried again.

    Not an ``Exception``, so that a function that catches those ends nevertheless.

    Attributes:
        after: seconds until the next attempt; None for the backoff.
    """

    def __init__(self, reason: str = "", after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


def __getattr__(name: str) -> Any:
    # ``import dash_long_components as dash`` has the exceptions of Dash as well.
    return getattr(dash.exceptions, name)
