"""What other layers do for a job: managers must not import them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...core.caching import CachedResult
from ...core.calls import Call
from ...core.records import Record
from ...core.requesters import Requester

#: Returns the link to a job, for one of its requesters.
Link = Callable[[Any, Record, Requester, bool], str]

#: Starts a job with the call of another one, for a user, unless another retry has.
Retry = Callable[[Any, Record, Call, "str | None"], "str | CachedResult | None"]

link: Link
retry: Retry


def link_jobs_with(function: Link) -> None:
    """Make ``Job.link`` call a function. The web layer calls this on import."""
    global link
    link = function


def retry_jobs_with(function: Retry) -> None:
    """Make ``Job.retry`` call a function. The decorator calls this on import."""
    global retry
    retry = function
