"""Who asks for a job: a document of its own, which any server may change."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TypeAlias

from ...core.jobs import Lane, Ticket, new_job_id
from ...core.records import Record, Requester
from .documents import Documents

Askers: TypeAlias = tuple[Requester, ...]

#: Larger than any cursor that a job comes to.
_BEYOND = 2**40


class CeleryRequesters:
    """The requesters of jobs. Until they change, they are those in the job's record.

    Args:
        documents: where to keep them.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def join(self, record: Record, lane: Lane | None) -> Ticket | None:
        """Add a requester; return None if all have left. Atomic where updates are."""
        new = Requester(id=new_job_id(), lane=lane.name if lane else None)

        def change(requesters: Askers) -> Askers:
            # It stands there itself if the backend has lost its answer to a first try.
            if new in requesters or all(
                requester.left is not None for requester in requesters
            ):
                return requesters
            return (*requesters, new)

        requesters = self._change(record, change)
        return Ticket(job=record.id, requester=new.id) if new in requesters else None

    def leave(self, record: Record, requester_id: str) -> bool:
        """Take a requester out, and tell whether nobody is left. Atomic, where updates
        are; idempotent.
        """
        if record.key is None:
            return True  # nobody else can have joined
        # News to its readers whatever they have read, for the job goes on meanwhile.
        left = record.cursor + _BEYOND

        def change(requesters: Askers) -> Askers:
            return tuple(
                replace(requester, left=left)
                if requester.id == requester_id and requester.left is None
                else requester
                for requester in requesters
            )

        return all(
            requester.left is not None for requester in self._change(record, change)
        )

    def _change(self, record: Record, change: Callable[[Askers], Askers]) -> Askers:
        def update(text: str | None) -> str:
            requesters = _from_text(text) if text else record.requesters
            return json.dumps([asdict(requester) for requester in change(requesters)])

        return _from_text(self._documents.update(f"{record.id}.requesters", update))


def with_requesters(record: Record, text: str | None) -> Record:
    """Return a record with the requesters that stand in a document, if there is one."""
    return replace(record, requesters=_from_text(text)) if text else record


def _from_text(text: str) -> Askers:
    return tuple(Requester(**fields) for fields in json.loads(text))
