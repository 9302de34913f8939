"""The outcome of a function: how it ended, before the job store knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..core.job_errors import JobError
from ..core.records import Record
from ..core.status import Status


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a function ended.

    Attributes:
        status: ``succeeded``, ``failed``, ``cancelled`` if it saw its cancel,
            ``queued`` if another worker goes on, or ``running`` if the job waits for a
            workflow.
        result: Dash's callback response as JSON text; None if it updates nothing.
        error: describes the exception of the function, for the page.
        exception: its type.
        libraries: component libraries that the function imported.
        cacheable: the result for the cache, with a value for every Output; None if
            there is none.
        pause: seconds until the next attempt; None if there is none.
        workflow: for which the job waits.
    """

    status: Status
    result: bytes | None = None
    error: JobError | None = None
    exception: type[BaseException] | None = None
    libraries: list[str] = field(default_factory=list)
    cacheable: bytes | None = None
    pause: float | None = None
    workflow: Any = None

    def end(self, record: Record, now: float) -> Record:
        """Return the record of the job after this end of its function."""
        if self.status is Status.QUEUED:
            return record.hand_over(now)
        return record.end_attempt(
            self.status, now, self.pause, self.error, self.libraries
        )
