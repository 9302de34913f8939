"""Keeps the documents of live jobs: the backend drops those that no one writes."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from ....core.records import Record
from ..documents.calls import Calls
from ..documents.deliveries import Message
from ..documents.documents import Documents
from ..documents.ends import answer_key, checkpoint_key, message_key
from ..documents.job_state import Live
from ..documents.lanes import keys_of
from ..documents.requesters import with_requesters
from ..documents.stored_parts import parts_key
from ..messages.recovery import delivery_key

#: How often the documents are kept in the time for which the backend stores them.
_TIMES = 4

#: The documents that make a record.
_RECORD = ("queued", "live", "requesters")


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

    def is_old(self, written: float) -> bool:
        """Return whether what was written then may go before it is kept by itself.

        Args:
            written: in seconds since the epoch.
        """
        expires = self._documents.expires
        return expires is not None and time.time() - written > expires / _TIMES

    def keep(self, job_ids: Sequence[str]) -> None:
        """Keep the documents of jobs now."""
        if not job_ids:
            return
        records = self._records(job_ids)
        texts = self._documents.read_many([message_key(each) for each in job_ids])
        keys: list[str] = []
        for job_id, record, text in zip(job_ids, records, texts, strict=True):
            parts = Message.from_text(text).parts if text else 0
            keys += [f"{job_id}.{name}" for name in (*_RECORD, "taken")]
            # Its lane has other jobs wait for it, and equal calls join it, until it
            # ends.
            keys += keys_of(record) if record else []
            keys += [message_key(job_id), delivery_key(job_id)]
            keys += [checkpoint_key(job_id), answer_key(job_id), parts_key(job_id)]
            keys += self._calls.keys(job_id, parts)
            keys += self._calls.kept_keys(job_id, parts)
        self._documents.keep([*dict.fromkeys(keys)])

    def _records(self, job_ids: Sequence[str]) -> list[Record | None]:
        """Return the jobs as they are stored, whether or not they have ended."""
        keys = [f"{job_id}.{name}" for job_id in job_ids for name in _RECORD]
        found = iter(self._documents.read_many(keys))
        return [_record(*texts) for texts in zip(found, found, found, strict=True)]


def _record(
    queued: str | None, live: str | None, requesters: str | None
) -> Record | None:
    if live:
        record = Live.from_text(live).record
    elif queued:
        record = Record.from_json(queued.encode())
    else:
        return None
    return with_requesters(record, requesters)
