"""The rules of retries: whether, and when, a job runs again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from ..exceptions import PartError

#: The largest random reduction of a pause, as a fraction: jobs that have failed
#: together should not start together.
JITTER = 0.5

#: Causes of an exception that are searched for a ``Retry-After``.
_DEPTH = 10


@dataclass(frozen=True, kw_only=True)
class Retries:
    """The attempts that a job may have. All times in seconds.

    Attributes:
        times: retries, after the first attempt.
        lost: whether a job runs again after its worker has died.
        timed_out: whether it runs again after its ``timeout``.
        backoff: the pause before the first retry; each further pause is twice as long.
        longest: the longest pause.
        total_timeout: how long all attempts may take, with the pauses between them;
            None for no limit.
        restart_on_new_code: whether a job whose function has changed begins again,
            without its checkpoint. Otherwise it fails.
    """

    times: int
    lost: bool = False
    timed_out: bool = False
    backoff: float = 1.0
    longest: float = 600.0
    total_timeout: float | None = None
    restart_on_new_code: bool = False

    @property
    def attempts(self) -> int:
        """The number of attempts that a job has at most."""
        return self.times + 1

    def pause(self, attempt: int, chance: float, asked: float | None = None) -> float:
        """Return the seconds between the end of an attempt and the next one.

        Args:
            attempt: number of the attempt that has ended, from 1.
            chance: from 0 to 1; a random one spreads the attempts of several jobs.
            asked: for how long a server has asked to wait; None if none has.
        """
        doubled = self.backoff * 2.0 ** min(attempt - 1, 60)
        if asked is not None:
            # Never sooner, but apart from others that got the same ``Retry-After``.
            return asked + chance * JITTER * min(self.backoff, self.longest)
        return min(doubled, self.longest) * (1 - chance * JITTER)


def kinds_of(error: BaseException) -> tuple[str, ...]:
    """Return the names of the class of an exception, and of its bases."""
    more = error.kinds if isinstance(error, PartError) else ()
    return (*map(_name, type(error).__mro__), *more)


def is_kind(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    """Return whether an exception is of one of some classes, or says that it is.

    An exception that comes from another process may be of a copy of its class there,
    or may be a ``PartError`` in its place. So the name of a class counts, too.
    """
    return isinstance(error, kinds) or not {*map(_name, kinds)}.isdisjoint(
        kinds_of(error)
    )


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def asked_pause(error: BaseException, now: float) -> float | None:
    """Return for how many seconds an exception asks to wait, or None.

    It says so as its ``retry_after``, or by the header ``Retry-After`` of its
    ``response``. Its causes count too.

    Args:
        error: which exception.
        now: seconds since the epoch.
    """
    for each in _with_causes(error):
        # Any object may pretend to be a response.
        with suppress(Exception):
            seconds = _seconds(getattr(each, "retry_after", None), now)
            if seconds is None:
                seconds = _seconds(_header(each), now)
            if seconds is not None:
                return seconds
    return None


def _header(error: BaseException) -> Any:
    # ``urllib`` has the headers on the exception itself.
    headers = getattr(getattr(error, "response", error), "headers", None)
    return None if headers is None else headers.get("Retry-After")


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    for _ in range(_DEPTH):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__


def _seconds(value: Any, now: float) -> float | None:
    """Return seconds that were given as a number, as text or as a date of HTTP."""
    match value:
        case None | bool():
            return None
        case timedelta():
            seconds = value.total_seconds()
        case int() | float():
            seconds = float(value)
        case str() if value.strip().isdigit():
            seconds = float(value)
        case _:
            date = parsedate_to_datetime(str(value))
            aware = date if date.tzinfo else date.replace(tzinfo=timezone.utc)
            seconds = aware.timestamp() - now
    return max(0.0, seconds) if math.isfinite(seconds) else None
