"""What operators see of a manager besides its jobs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .owners import user_of
from .records import Record


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A process that runs jobs, or starts and watches those that do.

    Attributes:
        name: tells it from the others.
        role: ``worker``, ``dispatcher`` or ``server``.
        state: ``alive``; ``silent``: it has sent no heartbeat for long; or ``stuck``: a
            worker of Celery that takes no jobs though it could.
        queues: names of the queues that it takes jobs from, as far as it says.
        job: id of the job that it runs; None if it runs none.
        task: name of the task of this job.
        since: when the job started, in seconds since the epoch.
    """

    name: str
    role: str = "worker"
    state: str = "alive"
    queues: tuple[str, ...] = ()
    job: str | None = None
    task: str | None = None
    since: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {**asdict(self), "queues": list(self.queues)}


def progress_of(record: Record) -> float | None:
    """Return how much of a job is done, from 0 to 1; None if it does not tell."""
    if record.bars is None or not record.bars[1]:
        return None
    value, total, *_rest = record.bars[1][0]
    return value / total if total else None


def row_of(record: Record, now: float) -> dict[str, Any]:
    """Return what a table shows of a job, as JSON data; times in seconds.

    Args:
        record: of the job.
        now: seconds since the epoch.
    """
    end = record.changed if record.status.is_terminal else now
    ran = None if record.started is None else round(max(0.0, end - record.started), 1)
    return {
        "id": record.id,
        "task": record.task,
        "title": record.title[1] if record.title else None,
        "status": record.status.value,
        "user": user_of(record.owner),
        "age": round(max(0.0, now - record.created), 1),
        "ran": ran,
        "progress": progress_of(record),
        "error": record.error.in_one_line if record.error else None,
    }
