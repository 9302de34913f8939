"""The fields that log records about jobs have, for logs that programs read."""

from __future__ import annotations

import hashlib

from .status import Status


def log_fields(
    job_id: str, task: str, owner: str | None, status: Status
) -> dict[str, str | None]:
    """Return what ``extra=`` of a logging call gets.

    Args:
        job_id: becomes ``job_id``.
        task: name of the task; becomes ``job_task``.
        owner: the user, as JSON text. ``job_user`` is a hash of it: logs are kept for
            longer than users are, and by others.
        status: becomes ``job_status``.
    """
    return {
        "job_id": job_id,
        "job_task": task,
        "job_user": None if owner is None else user_hash(owner),
        "job_status": status.value,
    }


def user_hash(owner: str) -> str:
    """Return 16 characters that stand for a user, the same in all processes."""
    return hashlib.sha256(owner.encode()).hexdigest()[:16]
