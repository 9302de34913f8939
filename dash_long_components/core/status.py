"""The status of a job."""

from __future__ import annotations

from enum import Enum


class Status(str, Enum):
    """The status of a job. It ends exactly once, with a terminal one."""

    QUEUED = "queued"  #: waits for a free worker
    RUNNING = "running"  #: a worker runs its function
    SUCCEEDED = "succeeded"  #: the function returned
    FAILED = "failed"  #: the function raised, or its result can't be sent
    CANCELLED = "cancelled"  #: its last requester cancelled it
    TIMED_OUT = "timed_out"  #: it reached its ``timeout`` or ``queue_timeout``
    LOST = "lost"  #: its worker died, or its record is gone
    REJECTED = "rejected"  #: the queue was full

    @property
    def is_terminal(self) -> bool:
        return self not in (Status.QUEUED, Status.RUNNING)

    @classmethod
    def read(cls, text: str) -> Status:
        """Return the status that a document has; RUNNING for one of a newer version.

        During a rollout an older process can't tell what such a status means. The page
        goes on polling until a newer process answers.
        """
        return cls(text) if text in cls._value2member_map_ else cls.RUNNING
