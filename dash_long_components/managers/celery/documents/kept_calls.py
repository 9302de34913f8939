"""Calls that are kept after the end of their jobs, so that these can be retried."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from ....core.calls import Call
from ....core.ids import new_job_id
from ....core.records import Record
from ....exceptions import StoreError
from .calls import Calls
from .deliveries import Message
from .documents import Documents

T = TypeVar("T")


class KeptCalls:
    """Gives each kept call to one retry.

    ``<id>.retried`` has the id of the new job from before it is submitted, and that of
    an equal job from before the new one joins it. So a process that is killed there
    loses nothing: the next retry submits a job with the same id, unless the new one was
    sent or has joined, and two that do so at once submit one job.

    Args:
        documents: where all is stored.
        calls: where the calls are.
        message_of: returns how a job was sent; None if that is not known (any more).
        find: returns the record of a job; None if it is missing.
    """

    def __init__(
        self,
        documents: Documents,
        calls: Calls,
        message_of: Callable[[str], Message | None],
        find: Callable[[str], Record | None],
    ) -> None:
        self._documents = documents
        self._calls = calls
        self._message_of = message_of
        self._find = find

    def read(self, job_id: str) -> Call | None:
        """Return what a job has run that has not succeeded; None if it is not kept.

        None also once a retry has submitted a job.
        """
        message = self._message_of(job_id)
        if message is None:
            return None
        text = self._calls.kept(job_id, message.parts)
        return None if text is None else Call.from_json(text)

    def retry(
        self, job_id: str, submit: Callable[[str, Callable[[str], object]], T]
    ) -> T | None:
        """Submit a job with the call of another, and keep that no more.

        Args:
            job_id: of the other one.
            submit: called with the id of the new job, and with what it has to call
                with the id of a job that the new one is about to join. The new one is
                a requester there by its own id.

        Returns:
            None if the call is not kept, or a retry has submitted the job.
        """
        new = self._claim(job_id)
        if new is None:
            return None
        try:
            answer = submit(new, functools.partial(self._note_join, job_id, new))
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
        text = self._documents.update(_key(job_id), lambda text: text or mine)
        new, _, joined = text.partition(" ")
        if new == mine or not self._is_submitted(new, joined):
            return new
        self._drop(job_id)  # the process that has submitted it may have died
        return None

    def _note_join(self, job_id: str, new: str, joined: str) -> None:
        self._documents.write(_key(job_id), f"{new} {joined}")

    def _is_submitted(self, job_id: str, joined: str) -> bool:
        if self._message_of(job_id) is not None:
            return True
        record = self._find(joined) if joined else None
        return record is not None and any(
            requester.id == job_id for requester in record.requesters
        )

    def _drop(self, job_id: str) -> None:
        message = self._message_of(job_id)
        if message is not None:
            self._documents.delete(self._calls.kept_keys(job_id, message.parts))


def _key(job_id: str) -> str:
    # It expires after the kept call, which is older.
    return f"{job_id}.retried"
