"""Checks of the options that say when a job runs, for how long, and how often.

Each raises a ValueError that names the option, the value and what the option takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..core import quantities
from ..core.calls import Limits
from ..core.queueing import MAX_PRIORITY, Scheduling, check_name
from ..core.retries import Retries

#: Types of exceptions, ``"lost"`` or ``"timed_out"``; one or several.
RetryOn = type[Exception] | str | Sequence[type[Exception] | str] | None

#: The most retries of a job.
_MAX_RETRIES = 1000


def limits(
    *, timeout: Any, cancel_grace: Any, on_leave: Any, leave_timeout: Any
) -> Limits:
    """Return what ends jobs from outside."""
    if on_leave not in ("keep", "cancel"):
        raise ValueError(f"on_leave= takes 'keep' or 'cancel', not {on_leave!r}.")
    leave_timeout = quantities.seconds("leave_timeout=", leave_timeout)
    return Limits(
        timeout=quantities.seconds_or_none("timeout=", timeout),
        cancel_grace=quantities.seconds_or_none("cancel_grace=", cancel_grace),
        leave_timeout=leave_timeout if on_leave == "cancel" else None,
    )


def scheduling(
    *,
    queue: Any,
    priority: Any,
    concurrency: Any,
    concurrency_group: Any,
    max_per_user: Any,
) -> Scheduling:
    """Return how jobs share workers. Without a name, the group is the task's own."""
    is_number = isinstance(priority, int) and not isinstance(priority, bool)
    if not is_number or not 0 <= priority <= MAX_PRIORITY:
        raise ValueError(
            f"priority= takes a whole number from 0 to {MAX_PRIORITY}, where jobs of a "
            f"higher one start first, not {priority!r}."
        )
    found = Scheduling(
        queue=check_name("queue=", queue),
        priority=priority,
        concurrency=quantities.count_or_none("concurrency=", concurrency),
        max_per_user=quantities.count_or_none("max_per_user=", max_per_user),
    )
    if concurrency_group is None:
        return found
    group = check_name("concurrency_group=", concurrency_group)
    if not found.is_limited:
        raise ValueError(
            f"concurrency_group={group!r} does nothing without concurrency= or "
            "max_per_user=. Add one of them, or leave it out."
        )
    return replace(found, group=f"group {group}")


def retries(
    value: Any, on: Any, *, backoff: Any, total_timeout: Any, on_new_code: Any
) -> Retries | None:
    """Return the attempts that jobs may have; None for one."""
    is_count = isinstance(value, int) and not isinstance(value, bool)
    if not (is_count and 0 <= value <= _MAX_RETRIES):
        raise ValueError(
            f"retries= takes a whole number from 0 to {_MAX_RETRIES}, not {value!r}."
        )
    total = quantities.seconds_or_none("total_timeout=", total_timeout)
    _, words = retry_on(on)
    first, longest = _backoff(backoff)
    if on_new_code not in (None, "fail", "restart"):
        raise ValueError(
            f"on_new_code= takes 'fail' or 'restart', not {on_new_code!r}."
        )
    if value == 0:
        others = {
            "retry_on=": on,
            "total_timeout=": total_timeout,
            "on_new_code=": on_new_code,
        }
        for name, given in others.items():
            if given is not None:
                raise ValueError(f"{name} has no effect without retries=.")
        return None
    return Retries(
        times=value,
        lost="lost" in words,
        timed_out="timed_out" in words,
        backoff=first,
        longest=longest,
        total_timeout=total,
        restart_on_new_code=on_new_code == "restart",
    )


def retry_on(value: Any) -> tuple[tuple[type[BaseException], ...], frozenset[str]]:
    """Return types of exceptions, and the words ``lost`` and ``timed_out``."""
    if value is None:
        return (Exception,), frozenset()
    kinds: list[type[BaseException]] = []
    words: set[str] = set()
    for each in value if isinstance(value, list | tuple | set) else [value]:
        if isinstance(each, str) and each in ("lost", "timed_out"):
            words.add(each)
        elif isinstance(each, type) and issubclass(each, Exception):
            kinds.append(each)
        else:
            raise ValueError(
                "retry_on= takes types of exceptions, 'lost' or 'timed_out', like "
                f"(ConnectionError, 'lost'), not {each!r}."
            )
    return tuple(kinds), frozenset(words)


def _backoff(value: Any) -> tuple[float, float]:
    """Return the first and the longest pause, in seconds."""
    pair = value if isinstance(value, list | tuple) else (value, None)
    try:
        first, longest = pair
        first = quantities.seconds("backoff=", first)
        longest = quantities.seconds_or_none("backoff=", longest)
    except ValueError:
        raise ValueError(
            "backoff= takes the seconds before the first retry, above zero, or (first, "
            f"longest), not {value!r}."
        ) from None
    return first, max(first, Retries.longest) if longest is None else longest
