"""What the main process of a worker knows of the jobs that it has received."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from celery.worker import state as worker_state

from ..documents.deliveries import Message
from ..documents.job_state import Live
from ..documents.unexpected_ends import CeleryFailure


@dataclass(kw_only=True)
class ReceivedJob:
    """A job that this worker has received.

    Attributes:
        request: Celery's object for it.
        number: of the message; None for the end of a workflow.
        message: how the job was sent.
        consumer: Celery's, which has received it.
        connection: of the consumer with the broker, by its number.
        began: when a pool process got it, by the monotonic clock; None if none has.
        is_missing: whether Celery had dropped it at the last look.
        deadline: when its time is over, by the monotonic clock; None for never.
        is_over: whether its death for that reason is reported.
        kill_at: when to kill it, by the same clock; None for never.
        is_killed: whether that was done.
        is_released: whether it is sent again, as nothing begins in this worker.
    """

    request: Any
    number: int | None
    message: Message
    consumer: Any
    connection: int
    began: float | None = None
    is_missing: bool = False
    deadline: float | None = None
    is_over: bool = False
    kill_at: float | None = None
    is_killed: bool = False
    is_released: bool = False

    def kill_by(self, due: float) -> None:
        """Have it killed at a time at the latest, by the monotonic clock."""
        self.kill_at = due if self.kill_at is None else min(due, self.kill_at)

    @property
    def job_id(self) -> str:
        """The id of the job, which is not always that of the message."""
        job_id: str = self.request.job_id
        return job_id

    def death(self, failure: CeleryFailure) -> Death:
        """Return the death of the process that has it."""
        return Death(
            job_id=self.job_id,
            number=self.number,
            began=self.began or time.monotonic(),
            failure=failure,
            group=self.message.group,
        )

    @property
    def is_running(self) -> bool:
        """Whether a pool process has it now."""
        return self.began is not None and self.request in worker_state.active_requests

    @property
    def is_known(self) -> bool:
        """Whether Celery says that it has it, in a pool process or reserved.

        It does not say so of a job that waits for its ``rate_limit``.
        """
        return self.is_running or self.request.id in worker_state.requests

    @property
    def is_dropped(self) -> bool:
        """Whether Celery has dropped it with the connection to the broker."""
        is_old = self.consumer.restart_count != self.connection
        return is_old and not self.is_known


@dataclass(frozen=True, kw_only=True)
class Death:
    """The death of a process that had a job.

    Attributes:
        job_id: of the job.
        number: of the message; None if it is not known.
        began: when the process got it, by the monotonic clock.
        failure: what Celery says of it.
        group: name of the job's group; None if it has none.
    """

    job_id: str
    number: int | None = None
    began: float
    failure: CeleryFailure
    group: str | None = None

    def is_of_another(self, live: Live) -> bool:
        """Return whether the process had another message than the one that runs."""
        return is_of_another(self.number, live)


def is_of_another(number: int | None, live: Live) -> bool:
    """Return whether a job runs by another message than that with a number."""
    return None not in (number, live.number) and number != live.number
