"""Keeps the documents of live jobs: the backend drops those that no one writes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from .calls import Calls
from .deliveries import Message
from .documents import Documents
from .ends import checkpoint_key, message_key
from .recovery import delivery_key

#: How often the documents are kept in the time for which the backend stores them.
_TIMES = 4


class Keeper:
    """Keeps all documents of some jobs, a few times per ``result_expires``.

    Args:
        documents: of the jobs.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._calls = Calls(documents)
        self._due: dict[str, float] = {}

    def keep_while_live(self, job_ids: Iterable[str]) -> list[str]:
        """Keep the documents of these jobs where it is time, and return those jobs.

        Call it often, with all jobs that this process looks after. Jobs that are new
        to it are kept for the first time a while later. The caller keeps them listed.
        """
        expires = self._documents.expires
        if expires is None:
            return []
        now, pause = time.monotonic(), expires / _TIMES
        self._due = {each: self._due.get(each, now + pause) for each in job_ids}
        due = [job_id for job_id, at in self._due.items() if at <= now]
        self.keep(due)
        self._due |= dict.fromkeys(due, now + pause)
        return due

    def keep(self, job_ids: Sequence[str]) -> None:
        """Keep the documents of jobs now."""
        if not job_ids:
            return
        texts = self._documents.read_many([message_key(each) for each in job_ids])
        keys: list[str] = []
        for job_id, text in zip(job_ids, texts, strict=True):
            parts = Message.from_text(text).parts if text else 0
            names = ("queued", "live", "requesters", "taken")
            keys += [f"{job_id}.{name}" for name in names]
            keys += [message_key(job_id), delivery_key(job_id), checkpoint_key(job_id)]
            keys += self._calls.keys(job_id, parts)
            keys += self._calls.kept_keys(job_id, parts)
        self._documents.keep(keys)
