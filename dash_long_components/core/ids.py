"""Ids of jobs, and tickets."""

from __future__ import annotations

import secrets
from dataclasses import dataclass


def new_job_id() -> str:
    """Return 128 random bits as 22 URL-safe characters. The first one is no "-"."""
    # A terminal takes that for an option.
    while (job_id := secrets.token_urlsafe(16)).startswith("-"):
        pass
    return job_id


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """The share of one requester in a job. Several requesters may share a job.

    Attributes:
        job: id of the job.
        requester: id of the requester.
    """

    job: str
    requester: str

    def __str__(self) -> str:
        return f"{self.job}.{self.requester}"

    @classmethod
    def parse(cls, text: str) -> Ticket:
        """Undo ``str``. Any other text becomes a ticket of no job."""
        job, _, requester = text.partition(".")
        return cls(job=job, requester=requester)
