"""The ends of jobs whose function neither returned nor raised.

Everything here is pure: no clock, no backend.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....core import attempts
from ....core.job_errors import SHORT_OF_MEMORY, JobError
from ....core.records import Record
from ....core.status import Status
from .job_state import End, Worker

_IN_CELERY = "It failed in Celery, outside of its function. See the worker's log."


@dataclass(frozen=True, kw_only=True)
class CeleryFailure:
    """The end of a task that did not return, as Celery reports it.

    Attributes:
        type: class name of its exception.
        message: one line for people.
    """

    type: str
    message: str

    @property
    def is_death(self) -> bool:
        """Whether the process has died."""
        return self.type == "WorkerLostError"

    def end(self, record: Record, now: float) -> End:
        """Return the end of the job."""
        status, error = self._meaning(record)
        return End(status=status, at=now, error=error)

    def _meaning(self, record: Record) -> tuple[Status, JobError | None]:
        task, timeout = record.task, attempts.timeout(record)
        if self.type == "TaskRevokedError":
            if self.message == "expired":
                return Status.TIMED_OUT, JobError.expired(task)
            return Status.CANCELLED, None
        if self.type == "TimeLimitExceeded" and timeout is not None:
            return Status.TIMED_OUT, attempts.timed_out_error(record)
        status, kind, message = self._words(task)
        return status, JobError(type=kind, message=message, task=task)

    def _words(self, task: str) -> tuple[Status, str, str]:
        match self.type:
            case "NotRegistered":
                return (
                    Status.FAILED,
                    "TaskNotFound",
                    f"A worker does not know {task}. Restart the worker, and check "
                    "that it imports the app under the same name. If a function makes "
                    "the app, call it in the module: app = create_app().",
                )
            case "TimeLimitExceeded":
                message = "Timed out after Celery's task_time_limit."
                return Status.TIMED_OUT, "TimedOut", message
            case "WorkerLostError":
                # "Worker exited prematurely: signal 9 (SIGKILL) Job: 0."
                message = self.message.partition(" Job:")[0]
                hint = f". {SHORT_OF_MEMORY}" if "SIGKILL" in message else ""
                return Status.LOST, "WorkerDied", message + hint
        # The message of an exception may hold secrets, as the URL of a backend.
        return Status.FAILED, self.type, _IN_CELERY


def worker_died(worker: Worker, record: Record, now: float) -> End:
    """Return the end of a job whose worker no longer renews its lease."""
    message = f"The worker {worker.name}, which ran it, has stopped responding."
    return _lost("WorkerDied", message, record, now)


def never_sent(record: Record, now: float) -> End:
    """Return the end of a job that was not sent to Celery's broker."""
    message = "The server could not send the job to Celery's broker. See its log."
    return _lost("NotSent", message, record, now)


def sender_died(record: Record, now: float) -> End:
    """Return the end of a job whose server died before it sent the job."""
    message = "The server process has died before it sent the job to Celery's broker."
    return _lost("NotSent", message, record, now)


def call_gone(record: Record, now: float) -> End:
    """Return the end of a job whose call the backend has dropped."""
    message = (
        "The result backend no longer has the arguments of the job. Raise Celery's "
        "result_expires, or check whether the backend evicts keys."
    )
    return _lost("CallLost", message, record, now)


def workflow_gone(record: Record, now: float) -> End:
    """Return the end of a job that waits for tasks which are not known any more."""
    message = (
        "The result backend no longer has the list of tasks that the job waits for. "
        "Raise Celery's result_expires, or check whether the backend evicts keys."
    )
    return _lost("WorkflowLost", message, record, now)


def message_lost(record: Record, now: float, times: int) -> End:
    """Return the end of a job whose messages were all lost."""
    message = (
        f"The job was sent {times} times, and no worker has received it. Check that "
        "no other program takes messages from its queue, and that the workers can "
        "start."
    )
    return _lost("MessageLost", message, record, now)


def _lost(kind: str, message: str, record: Record, now: float) -> End:
    error = JobError(type=kind, message=message, task=record.task)
    return End(status=Status.LOST, at=now, error=error)
