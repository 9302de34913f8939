"""Puts the documents of a job together, and ends a job that can't go on."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence

from ...core.jobs import Status
from ...core.records import SMALL, Record
from .documents import Documents
from .ends import Ends
from .fates import Fate, never_sent, worker_died
from .leases import Leases, Tenure
from .parts import End, Live, Worker
from .requesters import with_requesters

#: The documents of any job, and of one that is known to have started.
_DOCUMENTS = ("end", "live", "requesters", "queued", "sent", "taken")
_AFTER_START = _DOCUMENTS[:3]

#: Jobs that are remembered to have started: most polls ask for one.
_REMEMBERED = 4096

#: Seconds after which a server that has not sent its job has died.
_SENDING = 60


class JobReader:
    """Reads the records of jobs.

    Args:
        documents: where they are stored.
        ends: where ends are stored.
    """

    def __init__(self, documents: Documents, ends: Ends) -> None:
        self._documents = documents
        self._ends = ends
        self._leases = Leases(documents)
        self._started: set[str] = set()

    def read_all(self, job_ids: Sequence[str]) -> list[Record | None]:
        """Return the record of each job, or None if it is missing."""
        keys = [
            f"{job_id}.{part}"
            for job_id in job_ids
            for part in (_AFTER_START if job_id in self._started else _DOCUMENTS)
        ]
        texts, fates = self._documents.read_with_fates(keys, job_ids)
        found = dict(zip(keys, texts, strict=True))
        return [
            self._put_together(
                job_id, [found.get(f"{job_id}.{part}") for part in _DOCUMENTS], fate
            )
            for job_id, fate in zip(job_ids, fates, strict=True)
        ]

    def _put_together(
        self, job_id: str, texts: Sequence[str | None], fate: Fate | None
    ) -> Record | None:
        """Return the record that the documents of a job make, or None."""
        end_text, live_text, requesters, queued, sent, taken = texts
        end = End.from_text(end_text) if end_text else None
        worker: Worker | None = None
        if end and end.live:
            record = end.live.record  # the document that is written last stays longest
        elif live_text:
            live = _live(live_text)
            record, worker = live.record, live.worker
            self._remember(job_id)
        elif queued:
            record = Record.from_json(queued.encode())
            worker = Worker.from_text(taken) if taken else None
        else:
            return None
        record = with_requesters(record, requesters)
        end = end or self._judge(record, worker, fate, is_sent=sent is not None)
        return end.of(record) if end else record

    def _remember(self, job_id: str) -> None:
        """Note that a job has started: its earlier documents are not read again."""
        if len(self._started) >= _REMEMBERED:
            self._started.clear()
        self._started.add(job_id)

    def _judge(
        self, record: Record, worker: Worker | None, fate: Fate | None, is_sent: bool
    ) -> End | None:
        """End a job if Celery says so, or if its worker or its sender has died."""
        if fate is not None:
            end = fate.end(record, time.time())
        elif worker is not None and self._has_lost(worker, record):
            end = worker_died(worker, record, time.time())
        elif not (is_sent or worker) and time.time() - record.created > _SENDING:
            end = never_sent(record, time.time(), "the server process has died.")
        else:
            return None
        return self._ends.decide(record.id, end)

    def _has_lost(self, worker: Worker, record: Record) -> bool:
        tenure = self._leases.tenure(worker.lease)
        if tenure is Tenure.LEFT:
            # Celery has put the jobs back on the queue that it had only reserved.
            return record.status is not Status.QUEUED
        return tenure is Tenure.SILENT


@functools.lru_cache(maxsize=1024)
def _parse(text: str) -> Live:
    """Return what a text says. Most polls read the same text as the poll before."""
    return Live.from_text(text)


def _live(text: str) -> Live:
    return _parse(text) if len(text) < SMALL else Live.from_text(text)
