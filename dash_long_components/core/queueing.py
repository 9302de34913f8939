"""The rules of the queue: when it is full, and when a job has waited too long."""

from __future__ import annotations


def is_full(
    *, waiting: int, running: int, max_concurrency: int, max_queue: int
) -> bool:
    """Return whether the queue has no room for one more job.

    Jobs that will find a free worker slot do not fill the queue.

    Args:
        waiting: jobs that are queued, those that wait in a lane included.
        running: jobs that have a worker slot.
        max_concurrency: worker slots.
        max_queue: jobs that may wait for one.
    """
    free = max(0, max_concurrency - running)
    return waiting - free >= max_queue


def has_expired(waited: float, queue_timeout: float | None) -> bool:
    """Return whether a queued job has waited for its ``queue_timeout``, in seconds."""
    return queue_timeout is not None and waited >= queue_timeout
