"""Functions by value, for workers whose dispatcher does not know them."""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING

from ....core.job_errors import JobError
from ....core.records import Record
from ....core.status import Status
from ....exceptions import TaskNotFoundError
from ....running import tasks
from ....running.tasks import Task

if TYPE_CHECKING:
    from ...store.store import Store

logger = logging.getLogger("dash_long_components")


class FunctionsByValue:
    """Gives workers the functions that this server has and the dispatcher has not."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}

    def add(self, task: Task) -> None:
        """Remember a task: a worker may ask for it."""
        self._tasks[task.key] = task

    def give(self, store: Store, record: Record, reason: str) -> None:
        """Send the function of a job that its worker does not know, if it is here."""
        call = store.call(record.id)
        task = call and (self._tasks.get(call.task) or tasks.find(call.task))
        if not task:
            return
        try:
            store.give_function(record.id, pickled(task, reason))
        except TaskNotFoundError as error:
            logger.error("%s", error)
            store.end(
                record.id,
                Status.FAILED,
                JobError(type=type(error).__name__, message=str(error), task=task.name),
            )


def pickled(task: Task, reason: str) -> str:
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
