"""Calls that are kept after the end of their jobs, so that these can be retried."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from ....core.calls import Call
from ....core.ids import new_job_id
from ....exceptions import StoreError
from .calls import Calls
from .deliveries import Message
from .documents import Documents

T = TypeVar("T")


class KeptCalls:
    """Gives each kept call to one retry.

    ``<id>.retried`` has the id of the new job from before it is submitted. So a process
    that is killed there loses nothing: the next retry submits a job with the same id,
    and two that do so at once submit one job.

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
        """Return what a job has run that has not succeeded; None if it is not kept.

        None also once a retry has submitted a job.
        """
        message = self._message_of(job_id)
        if message is None:
            return None
        text = self._calls.kept(job_id, message.parts)
        return None if text is None else Call.from_json(text)

    def retry(self, job_id: str, submit: Callable[[str], T]) -> T | None:
        """Submit a job with the call of another, and keep that no more.

        Args:
            job_id: of the other one.
            submit: called with the id of the new job.

        Returns:
            None if the call is not kept, or a retry has submitted the job.
        """
        new = self._claim(job_id)
        if new is None:
            return None
        try:
            answer = submit(new)
        except BaseException:
            # The next retry needs another id. The first error says more.
            with suppress(StoreError):
                self._documents.delete([_key(job_id)])
            raise
        with suppress(StoreError):  # the job is submitted
            self._drop(job_id)
        return answer

    def _claim(self, job_id: str) -> str | None:
        if self.read(job_id) is None:
            return None
        mine = new_job_id()
        new = self._documents.update(_key(job_id), lambda text: text or mine)
        is_submitted = new != mine and self._message_of(new) is not None
        return None if is_submitted else new

    def _drop(self, job_id: str) -> None:
        message = self._message_of(job_id)
        if message is not None:
            self._documents.delete(self._calls.kept_keys(job_id, message.parts))


def _key(job_id: str) -> str:
    # It expires after the kept call, which is older.
    return f"{job_id}.retried"
