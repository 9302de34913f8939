"""Sends new jobs to Celery's broker, or to their groups, which send them later."""

from __future__ import annotations

import functools
import time

from ...core.calls import Call
from ...core.queueing import DEFAULT, QueuedJob
from ...core.records import Record
from ...exceptions import BrokerUnavailableError
from ...running.tasks import Task
from .documents.deliveries import Message
from .eager import run_job
from .messages.call_with_timeout import BROKER_TIMEOUT, call_with_timeout
from .messages.groups import group_name
from .messages.sending import broker_priority, send_job, task_name
from .store.store import CeleryStore
from .workers.homes import Home

#: Retries of sending a job to the broker. A user waits for the answer.
_RETRY = {"max_retries": 3, "interval_start": 0, "interval_step": 0.2}


class Publisher:
    """Publishes jobs.

    Args:
        home: of the manager.
        store: where the jobs are stored.
        queue_timeout: seconds for which a job may wait; None for no limit.
    """

    def __init__(
        self, home: Home, store: CeleryStore, queue_timeout: float | None
    ) -> None:
        self._home = home
        self._store = store
        self._queue_timeout = queue_timeout

    def publish(
        self,
        task: Task,
        record: Record,
        call: Call,
        *,
        lane: str | None,
        keep_call: bool,
    ) -> None:
        """Store the call of a new job, and send the job; run an eager one at once.

        Args:
            task: of the job.
            record: of the job, which is stored.
            call: what it runs.
            lane: in which it waits for its turn; None if it may run.
            keep_call: whether the job can be retried if it does not succeed.

        Raises:
            BrokerUnavailableError: the broker does not accept the job.
        """
        text = call.to_json().decode()
        message = self._store.prepare(
            record, self._message(task, call, lane), text, keep_call
        )
        if self._home.app.conf.task_always_eager:
            run_job(self._home, self._store, record.id, message)
        elif message.group is None or self._enters(message.group, record, call):
            self._send(record, message)

    def _message(self, task: Task, call: Call, lane: str | None) -> Message:
        scheduling = call.scheduling
        return Message(
            task=task_name(task.key, task.name),
            lane=lane,
            timeout=call.attempt_timeout,
            grace=call.limits.grace,
            expires=self._queue_timeout and time.time() + self._queue_timeout,
            queue=None if scheduling.queue == DEFAULT else scheduling.queue,
            priority=broker_priority(self._home.app, scheduling.priority),
            group=group_name(scheduling.group) if scheduling.group else None,
        )

    def _enters(self, group: str, record: Record, call: Call) -> bool:
        """Return whether a job may run now. If not, its group sends it later."""
        job = QueuedJob(
            id=record.id,
            task=record.task,
            scheduling=call.scheduling,
            user=record.owner or "",
        )
        return self._store.groups.enter(group, job)

    def _send(self, record: Record, message: Message) -> None:
        options = {"retry": True, "retry_policy": _RETRY}
        send = functools.partial(
            send_job, self._home.app, record.id, 0, message, **options
        )
        try:
            call_with_timeout(BROKER_TIMEOUT, send)
        except Exception as error:  # each broker has exceptions of its own
            # The broker may have it after all; then no worker may run it.
            self._store.lose(record)
            raise BrokerUnavailableError(
                f"Celery's broker does not accept the job: {error}"
            ) from error
