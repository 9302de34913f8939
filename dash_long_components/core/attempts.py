"""The rules of attempts: how long one may run, and whether another one follows."""

from __future__ import annotations

import math

from .job_errors import JobError
from .records import Record
from .status import Status


def pause(
    record: Record,
    status: Status,
    now: float,
    chance: float,
    asked: float | None = None,
) -> float | None:
    """Return the seconds until the next attempt; None if the job has no other one.

    Args:
        record: of a running job.
        status: how its current attempt has ended.
        now: seconds since the epoch.
        chance: as for ``Retries.pause``.
        asked: as for ``Retries.pause``.
    """
    retries = record.retries
    if retries is None or record.attempt > retries.times or record.cancel_requested:
        return None
    covered = {Status.LOST: retries.lost, Status.TIMED_OUT: retries.timed_out}
    if not covered.get(status, status is Status.FAILED):
        return None
    seconds = retries.pause(record.attempt, chance, asked)
    return seconds if seconds < _left(record, now) else None


def is_due(record: Record, now: float) -> bool:
    """Return whether the next attempt may start, give or take a second.

    The clock of the process that sent it may be ahead.
    """
    return record.next_try is None or record.next_try - now < 1.0


def timeout(record: Record) -> float | None:
    """Return the seconds that the current attempt may run; None without a limit."""
    left = math.inf if record.started is None else _left(record, record.started)
    limit = record.limits.timeout
    seconds = min(max(0.0, left), math.inf if limit is None else limit)
    return None if seconds == math.inf else seconds


def timed_out_error(record: Record) -> JobError:
    """Return the error of a job whose attempt has run for its ``timeout``."""
    limit, total = record.limits.timeout, _total(record)
    if total is None or timeout(record) == limit:
        return JobError.timed_out(record.task, limit or 0.0)
    return JobError.timed_out_in_all(record.task, total, record.attempt)


def late_error(record: Record, now: float) -> JobError | None:
    """Return the error of a job whose time is over before its next attempt."""
    total = _total(record)
    if total is None or record.run == 1 or _left(record, now) > 0:
        return None
    return JobError.timed_out_in_all(record.task, total, max(1, record.attempt - 1))


def until(record: Record) -> float | None:
    """Return when all attempts must be over, in seconds since the epoch, or None."""
    total = _total(record)
    return None if total is None or record.began is None else record.began + total


def _total(record: Record) -> float | None:
    return record.retries.total_timeout if record.retries else None


def _left(record: Record, now: float) -> float:
    """Return the seconds that all attempts may still take."""
    end = until(record)
    return math.inf if end is None else end - now
