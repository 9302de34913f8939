"""Who asks for a job: a document of its own, which any server may change."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TypeAlias

from ...core.jobs import Lane, Ticket, new_job_id
from ...core.records import Asker, Record
from .documents import Documents

Askers: TypeAlias = tuple[Asker, ...]

#: Larger than any cursor that a job comes to.
_BEYOND = 2**40


class CeleryAskers:
    """The askers of jobs. Until they change, they are those in the job's record.

    Args:
        documents: where to keep them.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def join(self, record: Record, lane: Lane | None) -> Ticket | None:
        """Add an asker, or return None: all have left. Atomic, where updates are."""
        new = Asker(id=new_job_id(), lane=lane.name if lane else None)

        def change(askers: Askers) -> Askers:
            # It stands there itself if the backend has lost its answer to a first try.
            if new in askers or all(asker.left is not None for asker in askers):
                return askers
            return (*askers, new)

        askers = self._change(record, change)
        return Ticket(job=record.id, asker=new.id) if new in askers else None

    def leave(self, record: Record, asker_id: str) -> bool:
        """Take an asker out, and tell whether nobody is left. Atomic, where updates
        are; idempotent.
        """
        if record.key is None:
            return True  # nobody else can have joined
        # News to its readers whatever they have read, for the job goes on meanwhile.
        left = record.cursor + _BEYOND

        def change(askers: Askers) -> Askers:
            return tuple(
                replace(asker, left=left)
                if asker.id == asker_id and asker.left is None
                else asker
                for asker in askers
            )

        return all(asker.left is not None for asker in self._change(record, change))

    def _change(self, record: Record, change: Callable[[Askers], Askers]) -> Askers:
        def update(text: str | None) -> str:
            askers = _from_text(text) if text else record.askers
            return json.dumps([asdict(asker) for asker in change(askers)])

        return _from_text(self._documents.update(f"{record.id}.askers", update))


def with_askers(record: Record, text: str | None) -> Record:
    """Return a record with the askers that stand in a document, if there is one."""
    return replace(record, askers=_from_text(text)) if text else record


def staying(record: Record) -> set[str]:
    """Return the ids of those who still ask for a job."""
    return {asker.id for asker in record.askers if asker.left is None}


def _from_text(text: str) -> Askers:
    return tuple(Asker(**fields) for fields in json.loads(text))
