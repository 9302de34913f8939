"""Takes over the jobs that another dispatcher has handed over."""

from __future__ import annotations

import time
from collections.abc import Collection

from ....core.job_errors import JobError
from ....core.status import Status
from ...store.handovers import HandedOver
from ...store.store import Store

#: Seconds for which a job waits for a dispatcher that knows its task.
UNCLAIMED = 600.0


class Takeover:
    """Queues handed over jobs for a dispatcher that servers want.

    Args:
        store: where the jobs are.
        code: version of the app's code of the dispatcher.
    """

    def __init__(self, store: Store, code: str) -> None:
        self._store = store
        self._code = code
        self._seen: dict[str, float] = {}

    def run(self, keys: Collection[str]) -> None:
        """Do what is due. Cheap if nothing is; call it in every round.

        Args:
            keys: of the tasks that the dispatcher knows.
        """
        waiting = self._due()
        now = time.monotonic()
        self._seen = {job.id: self._seen.get(job.id, now) for job in waiting}
        if not waiting or not self._store.registry.has_servers(self._code):
            return
        for job in waiting:
            if job.code == self._code or self._knows(job.id, keys):
                self._store.dispatching.take_over(job.id, self._code)
            elif now - self._seen[job.id] >= UNCLAIMED:
                self._end(job.id)

    def _due(self) -> list[HandedOver]:
        """Return the jobs of this code, and those whose own code has no server."""
        waiting = self._store.dispatching.handed_over()
        others = {job.code for job in waiting} - {self._code}
        # Its servers start another dispatcher. Their function may be another one, too.
        served = {code for code in others if self._store.registry.has_any_server(code)}
        return [job for job in waiting if job.code not in served]

    def _knows(self, job_id: str, keys: Collection[str]) -> bool:
        call = self._store.call(job_id)
        return call is not None and (call.task in keys or call.function is not None)

    def _end(self, job_id: str) -> None:
        """End a job whose task no dispatcher seems to have any more."""
        error = JobError(
            type="NotStarted",
            message="The code of the app has changed, and no longer has this callback.",
            task=self._store.read(job_id).task,
        )
        self._store.end(job_id, Status.LOST, error)
