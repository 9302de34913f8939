"""The calls of jobs: what their requests held, stored until the job ends."""

from __future__ import annotations

from collections.abc import Mapping

from ....core.status import Status
from .documents import Documents, part_keys


class Calls:
    """Calls as JSON text, in parts.

    Args:
        documents: where to store them.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def split(self, job_id: str, call: str, keep: bool) -> Mapping[str, str]:
        """Return the documents that hold a call.

        Args:
            job_id: of its job.
            call: the text.
            keep: whether as many further ones hold it for a retry.
        """
        parts = self._documents.split(_key(job_id), call)
        if keep:
            parts |= self._documents.split(_kept_key(job_id), call)
        return parts

    def keys(self, job_id: str, parts: int) -> list[str]:
        """Return the keys of the documents that hold a call."""
        return part_keys(_key(job_id), parts)

    def kept_keys(self, job_id: str, parts: int) -> list[str]:
        """Return the keys of the documents that hold a call for a retry, if any do."""
        return part_keys(_kept_key(job_id), parts)

    def delete(self, job_id: str, parts: int) -> None:
        """Delete the call of a job that has ended. Idempotent."""
        self._documents.delete(self.keys(job_id, parts))

    def end(self, job_id: str, parts: int, status: Status) -> None:
        """Delete what a job has no need of once it has ended. Idempotent.

        What is kept for a retry stays as long as the record, unless it has succeeded.
        """
        kept = self.kept_keys(job_id, parts)
        if status is Status.SUCCEEDED:
            self._documents.delete([*self.keys(job_id, parts), *kept])
            return
        self.delete(job_id, parts)
        self._documents.keep(kept)

    def kept(self, job_id: str, parts: int) -> bytes | None:
        """Return the call of a job for a retry; None if it is not kept."""
        return self._documents.read_parts(_kept_key(job_id), parts) or None


def _kept_key(job_id: str) -> str:
    return f"{job_id}.kept"


def _key(job_id: str) -> str:
    return f"{job_id}.call"
