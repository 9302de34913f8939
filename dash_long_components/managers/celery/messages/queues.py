"""Find the queues without workers. A job in such a queue waits forever.

All workers of a queue renew one lease for it. It says that one of them is there.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from typing import Any

import celery

from ....core import module_names
from ..documents.deliveries import Message
from ..documents.documents import Documents
from ..workers.leases import Leases, queue_lease
from .sending import PREFIX, PROBE, transport

logger = logging.getLogger("dash_long_components")

#: Seconds for which a job may wait before a reader asks whether its queue has a worker.
HINT_AFTER = 5.0


class Queues:
    """Finds the queues that no worker takes jobs from.

    Args:
        app: of the broker.
        documents: where workers note their queues.
    """

    def __init__(self, app: celery.Celery, documents: Documents) -> None:
        self._app = app
        self._leases = Leases(documents)
        self._unserved: set[str] = set()

    def hint(self, message: Message) -> str:
        """Return a hint for a job that waits; "" if its queue has a worker.

        The log gets it once, each time that a queue is found without a worker.

        Args:
            message: sends the job.
        """
        queue = self.of(message)
        if not queue or self._leases.is_renewed(queue_lease(queue)):
            self._unserved.discard(queue)
            return ""
        text = (
            f"No worker takes jobs from the queue {queue!r}. Start one: "
            f"{self._command(queue)}"
        )
        if queue not in self._unserved:
            self._unserved.add(queue)
            logger.warning("%s", text)
        return text

    def of(self, message: Message) -> str:
        """Return the queue that a message goes to; "" if that can't be told."""
        return message.queue or self._queue_for(message.task) or ""

    def unserved(self) -> list[str]:
        """Return the queues of the app's long callbacks that have no worker."""
        return [
            queue
            for queue in self.names()
            if not self._leases.is_renewed(queue_lease(queue))
        ]

    def names(self) -> list[str]:
        """Return the queues of the app's long callbacks, as far as Celery tells."""
        return self._of_tasks(
            name
            for name in self._app.tasks
            if name.startswith(PREFIX) and name != PROBE
        )

    def without_priorities(self) -> list[str]:
        """Return the queues of RabbitMQ that ignore the priorities of their jobs."""
        if transport(self._app) != "amqp":
            return []
        names = self._of_tasks(
            name
            for name, task in self._app.tasks.items()
            if getattr(task, "job_priority", 0)
        )
        return [name for name in names if not self._has_priorities(name)]

    def _has_priorities(self, name: str) -> bool:
        queue: Any = self._app.amqp.queues[name]
        arguments = queue.queue_arguments or {}
        return bool(queue.max_priority or arguments.get("x-max-priority"))

    def _of_tasks(self, names: Iterable[str]) -> list[str]:
        queues = {self._queue_for(name) for name in names}
        return sorted(queue for queue in queues if queue is not None)

    def _queue_for(self, name: str) -> str | None:
        """Return the queue of a Celery task; None if it can't be told."""
        own: str | None = getattr(self._app.tasks.get(name), "job_queue", None)
        if own is not None:
            return own
        route = self._app.amqp.router.route({}, name)
        queue = route.get("queue")
        found = getattr(queue, "name", queue)
        return found if isinstance(found, str) else None

    def _command(self, queue: str) -> str:
        """Return how to start a worker for a queue."""
        is_default = queue == self._app.conf.task_default_queue
        options = "" if is_default else f" -Q {queue}"
        return f"celery -A {_place_of(self._app)} worker{options}"


def _place_of(app: celery.Celery) -> str:
    """Return how the command ``celery -A`` finds an app."""
    for module in list(sys.modules.values()):
        if module_names.is_project_file(module_names.file_of(module)):
            for name, value in list(vars(module).items()):
                if value is app:
                    module_name = module_names.importable_name(module.__name__)
                    return f"{module_name}:{name}"
    return "<module>:<variable of the Celery app>"
