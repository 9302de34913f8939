"""Groups whose jobs are held back until they may start."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any

from .queueing import QueuedJob, Scheduling, next_job, next_round
from .versions import from_fields


@dataclass(frozen=True, kw_only=True)
class Group:
    """The live jobs of one group.

    Attributes:
        waiting: those that are held back, in the order of their places.
        admitted: those that may run. They count until their functions have ended.
    """

    waiting: tuple[QueuedJob, ...] = ()
    admitted: tuple[QueuedJob, ...] = ()

    def enter(self, job: QueuedJob) -> Group:
        """Add a job in the last place. Idempotent."""
        if any(each.id == job.id for each in (*self.waiting, *self.admitted)):
            return self
        if job.scheduling.max_per_user is not None:
            its = next_round(job, self.waiting, self.admitted)
            job = replace(job, round=its)
        return replace(self, waiting=(*self.waiting, job))

    def leave(self, job_id: str) -> Group:
        """Take a job out. Idempotent."""
        return Group(
            waiting=tuple(job for job in self.waiting if job.id != job_id),
            admitted=tuple(job for job in self.admitted if job.id != job_id),
        )

    def next(self, skipped: Collection[str]) -> QueuedJob | None:
        """Return the job to admit now; None if none may run.

        Args:
            skipped: jobs that wait for something else.
        """
        waiting = [job for job in self.waiting if job.id not in skipped]
        return next_job(waiting, self.admitted)

    def admit(self, job: QueuedJob) -> Group:
        """Let a job run."""
        rest = self.leave(job.id)
        return replace(rest, admitted=(*rest.admitted, job))

    def to_text(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str | None) -> Group:
        """Undo ``to_text``; None means no jobs."""
        fields = json.loads(text) if text else {}
        return cls(**{name: tuple(map(_job, jobs)) for name, jobs in fields.items()})


def _job(fields: dict[str, Any]) -> QueuedJob:
    scheduling = from_fields(Scheduling, fields["scheduling"])
    return from_fields(QueuedJob, {**fields, "scheduling": scheduling})
