"""Calls that are kept after the end of their jobs, so that these can be retried."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ....core.calls import Call
from ....core.ids import new_job_id
from ....exceptions import StoreUnavailableError
from .calls import Calls
from .deliveries import Message
from .documents import Documents


class KeptCalls:
    """Gives each kept call to one retry.

    Args:
        documents: where all is stored.
        calls: where the calls are.
        message_of: returns how a job was sent; None if that is not known (any more).
    """

    def __init__(
        self,
        documents: Documents,
        calls: Calls,
        message_of: Callable[[str], Message | None],
    ) -> None:
        self._documents = documents
        self._calls = calls
        self._message_of = message_of

    def read(self, job_id: str) -> Call | None:
        """Return what a job has run that has not succeeded; None if it is not kept."""
        message = self._message_of(job_id)
        if message is None:
            return None
        text = self._calls.kept(job_id, message.parts)
        return None if text is None else Call.from_json(text)

    def take(self, job_id: str) -> Call | None:
        """Return the call, to the first who takes it. Atomic."""
        call, mine = self.read(job_id), new_job_id()
        if call is None:
            return None
        try:
            taken = self._documents.update(_taken_key(job_id), lambda it: it or mine)
        except StoreUnavailableError:
            # It may have been taken, and the answer lost.
            with suppress(StoreUnavailableError):
                if self._documents.read(_taken_key(job_id)) == mine:
                    self.give_back(job_id)
            raise
        return call if taken == mine else None

    def give_back(self, job_id: str) -> None:
        """Let others take the call. Idempotent."""
        self._documents.delete([_taken_key(job_id)])


def _taken_key(job_id: str) -> str:
    # It expires after the kept call, which is older.
    return f"{job_id}.retried"
