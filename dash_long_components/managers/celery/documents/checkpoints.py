"""The checkpoints of jobs: those of the latest run alone count."""

from __future__ import annotations

from ....exceptions import JobEndedError
from .documents import Documents
from .ends import checkpoint_key
from .job_state import Live


class StoredCheckpoints:
    """Checkpoints in documents, with the number of the run that has them.

    A run that goes on unseen, on a machine that was cut off, can't replace the
    checkpoint of a later run.

    Args:
        documents: where to store them.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def load(self, live: Live) -> str | None:
        """Return the checkpoint for a run of a job. Earlier runs can't save then.

        Raises:
            JobEndedError: a later run has it.
        """
        return self._replace(live, None) or None

    def save(self, live: Live, text: str) -> None:
        """Replace the checkpoint of a job in one of its runs. Atomic.

        Raises:
            JobEndedError: a later run has it.
        """
        self._replace(live, text)

    def delete(self, job_id: str) -> None:
        """Delete the checkpoint of a job. Idempotent."""
        self._documents.delete([checkpoint_key(job_id)])

    def _replace(self, live: Live, text: str | None) -> str:
        run = live.record.run

        def change(found: str | None) -> str:
            number, _, before = (found or "0\n").partition("\n")
            if int(number) > run:
                raise JobEndedError(f"Run {run} of job {live.record.id} has ended.")
            return f"{run}\n{before if text is None else text}"

        after = self._documents.update(checkpoint_key(live.record.id), change)
        return after.partition("\n")[2]
