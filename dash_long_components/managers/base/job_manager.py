"""What a job needs of its manager."""

from __future__ import annotations

from typing import Protocol

from ...core.calls import Call
from ...core.records import Record


class JobManager(Protocol):
    """The manager's methods that a job uses."""

    def kept_call(self, job_id: str) -> Call | None: ...

    def look_up(self, job_id: str) -> Record: ...

    def load_result(self, job_id: str) -> bytes | None: ...

    def cancel(self, ticket: str) -> None: ...

    def answer(self, ticket: str, question: str, answer: str) -> None: ...
