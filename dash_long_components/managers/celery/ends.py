"""The end of a job: the first process that writes one decides."""

from __future__ import annotations

from .documents import Documents
from .parts import End


class Ends:
    """The ends of jobs.

    Args:
        documents: where to store them.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def get(self, job_id: str) -> End | None:
        """Return how a job has ended, or None."""
        text = self._documents.read(_key(job_id))
        return End.from_text(text) if text else None

    def decide(self, job_id: str, end: End) -> End:
        """End a job unless it has ended, and return how it has. Atomic."""
        text = self._documents.update(_key(job_id), lambda text: text or end.to_text())
        return End.from_text(text)


def _key(job_id: str) -> str:
    return f"{job_id}.end"
