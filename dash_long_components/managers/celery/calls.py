"""The calls of jobs: what their requests held, stored until the job ends."""

from __future__ import annotations

from collections.abc import Mapping

from .documents import Documents, part_keys


class Calls:
    """Calls as JSON text, in parts.

    Args:
        documents: where to store them.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def split(self, job_id: str, call: str) -> Mapping[str, str]:
        """Return the documents that hold a call."""
        return self._documents.split(_key(job_id), call)

    def keys(self, job_id: str, parts: int) -> list[str]:
        """Return the keys of the documents that hold a call."""
        return part_keys(_key(job_id), parts)

    def delete(self, job_id: str, parts: int) -> None:
        """Delete the call of a job that has ended. Idempotent."""
        self._documents.delete(self.keys(job_id, parts))


def _key(job_id: str) -> str:
    return f"{job_id}.call"
