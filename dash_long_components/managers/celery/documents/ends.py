"""The end of a job: the first process that writes one decides."""

from __future__ import annotations

from collections.abc import Sequence

from ....core.status import Status
from .calls import Calls
from .deliveries import Message
from .documents import Documents
from .job_state import End
from .stored_parts import forget_parts


class Ends:
    """The ends of jobs.

    Args:
        documents: where to store them.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._calls = Calls(documents)

    def get(self, job_id: str) -> End | None:
        """Return how a job has ended, or None."""
        text = self._documents.read(_key(job_id))
        return End.from_text(text) if text else None

    def get_all(self, job_ids: Sequence[str]) -> list[End | None]:
        """Do ``get`` for several jobs at once."""
        texts = self._documents.read_many([_key(job_id) for job_id in job_ids])
        return [End.from_text(text) if text else None for text in texts]

    def decide(self, job_id: str, end: End) -> End:
        """End a job unless it has ended, and return how it has. Atomic.

        Deletes its call. Ends that workers write leave that to ``Runs``.
        """
        text = self._documents.update(_key(job_id), lambda text: text or end.to_text())
        self._documents.announce(job_id)
        record = end.live.record if end.live else None
        spent: list[str] = []
        if record is None or record.retries is not None:
            spent.append(checkpoint_key(job_id))
        # A worker that was killed may have asked after the last write of its record.
        is_expected = end.status in (Status.SUCCEEDED, Status.FAILED)
        if record is None or record.asked is not None or not is_expected:
            spent.append(answer_key(job_id))
        if spent:
            self._documents.delete(spent)
        if not is_expected:
            forget_parts(self._documents, job_id)
        if end.live is None:
            message = self._documents.read(message_key(job_id))
            if message is not None:
                parts = Message.from_text(message).parts
                self._calls.end(job_id, parts, end.status)
        if end.status is not Status.SUCCEEDED:
            # A retry needs it.
            self._documents.keep([message_key(job_id)])
        return End.from_text(text)


def checkpoint_key(job_id: str) -> str:
    """Return the key of the checkpoint of a job."""
    return f"{job_id}.checkpoint"


def answer_key(job_id: str) -> str:
    """Return the key of the answer to the last question of a job."""
    return f"{job_id}.answer"


def message_key(job_id: str) -> str:
    """Return the key of the document that says how to send a job."""
    return f"{job_id}.message"


def workflow_key(job_id: str) -> str:
    """Return the key of the workflow of a job."""
    return f"{job_id}.workflow"


def _key(job_id: str) -> str:
    return f"{job_id}.end"
