"""The rules of limits: when a running job has to end, and when a page has left."""

from __future__ import annotations

import math
from dataclasses import dataclass

from . import attempts
from .job_errors import JobError
from .records import Record
from .status import Status

#: Seconds that a worker may take to exit after its job has ended.
EXIT_GRACE = 5.0

#: The part of ``leave_timeout`` within which a further poll is not recorded, and after
#: which a worker looks again whether the page is there.
LOOK_SHARE = 0.25


@dataclass(frozen=True, kw_only=True)
class Times:
    """When things happened to a running job, by one monotonic clock, in seconds.

    Attributes:
        deadline: when its ``timeout`` is over; None if it has none.
        cancelled: when the cancel was first seen; None if it was not.
        ended: when its end was first seen; None if it was not.
    """

    deadline: float | None = None
    cancelled: float | None = None
    ended: float | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The decision about a running job.

    Attributes:
        must_stop: whether its function is stopped, by force where that is possible.
        status: how the job ends then; None if it has ended.
        error: why.
        due: when the verdict changes, if nothing else happens.
    """

    must_stop: bool = False
    status: Status | None = None
    error: JobError | None = None
    due: float = math.inf


def judge(record: Record, times: Times, now: float) -> Verdict:
    """Return whether a job has to stop now.

    Args:
        record: of a job that a worker runs, or has just run.
        times: what has happened to it.
        now: by the clock of ``times``.
    """
    if record.status is not Status.RUNNING:  # its attempt, at least, has ended
        return _at(_after(times.ended, now, EXIT_GRACE), now, None)
    deadline = _at(times.deadline, now, Status.TIMED_OUT)
    if deadline.must_stop:
        error = attempts.timed_out_error(record)
        return Verdict(must_stop=True, status=Status.TIMED_OUT, error=error, due=now)
    if not record.cancel_requested:
        return deadline
    due = _after(times.cancelled, now, record.limits.grace)
    cancel = _at(due, now, Status.CANCELLED)
    return cancel if cancel.due <= deadline.due else deadline


def grace_after(status: Status, grace: float) -> float:
    """Return the seconds that a function may go on after another process ended its job.

    ``EXIT_GRACE`` is for a worker that has ended the job itself, and still has to exit.

    Args:
        status: how the job has ended.
        grace: of the job's limits.
    """
    return grace if status is Status.CANCELLED else 0.0


def _after(start: float | None, now: float, seconds: float) -> float:
    return (now if start is None else start) + seconds


def _at(due: float | None, now: float, status: Status | None) -> Verdict:
    if due is None:
        return Verdict()
    is_over = now >= due
    return Verdict(must_stop=is_over, status=status if is_over else None, due=due)


def is_news(seen: float | None, leave_timeout: float, now: float) -> bool:
    """Return whether to record this poll, given when the last one was recorded.

    Args:
        seen: when the last poll was recorded; None if none was. A time after ``now``
            means that the machine has restarted.
        leave_timeout: seconds without a poll after which a page has left.
        now: by the clock of ``seen``.
    """
    return seen is None or not 0 <= now - seen < leave_timeout * LOOK_SHARE


def has_left(
    seen: float, leave_timeout: float, now: float, *, reachable_since: float
) -> bool:
    """Return whether a page has left.

    Args:
        seen: when it polled last, as for ``is_news``.
        leave_timeout: seconds without a poll after which it has left.
        now: by the clock of ``seen``.
        reachable_since: since when pages could poll without a break.
    """
    last = max(reachable_since, seen if seen <= now else 0.0)
    return now - last > leave_timeout
