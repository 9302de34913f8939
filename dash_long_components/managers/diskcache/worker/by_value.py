"""Functions by value, for workers whose dispatcher does not know them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from ....core.records import Record
from ....exceptions import TaskNotFoundError
from ....running import tasks
from ....running.failures import failure
from ....running.tasks import Task

if TYPE_CHECKING:
    from ...store.store import Store


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
        if call is None:
            return
        task = self._tasks.get(call.task) or tasks.find(call.task)
        if task is None:
            return
        try:
            store.give_function(record.id, pickled(task, reason))
        except TaskNotFoundError as error:
            # The reason may have more in it than the page should get.
            outcome = failure(task.name, error, call, task.error_message)
            store.end(record.id, outcome.status, outcome.error)


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
