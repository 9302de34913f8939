"""The rule of single flight: equal calls share one live job."""

from __future__ import annotations

from .records import Record


def holder(job_id: str, found: Record | None) -> str:
    """Return the id of the job that holds a key.

    A new job joins the holder if that is another job. A job that had to wait in its
    lane can't join any more: when its turn comes and another job holds its key, it
    waits for the end of that one.

    Args:
        job_id: a job with this key.
        found: the job that held the key so far, or None.
    """
    return found.id if found is not None and found.is_joinable else job_id
