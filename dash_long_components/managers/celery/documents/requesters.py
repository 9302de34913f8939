"""The requesters of a job: a document of its own, which any server may change."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from ....core import requesters
from ....core.ids import Ticket
from ....core.records import Record
from ....core.requesters import Requester
from ....core.versions import from_fields
from .documents import Documents

#: Larger than the cursor of any job.
_BEYOND = 2**40


class CeleryRequesters:
    """The requesters of jobs. Until they change, the job's record has them.

    Args:
        documents: where to store them.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def join(self, record: Record, requester: Requester) -> Ticket | None:
        """Add a requester; return None if all have left. Atomic where updates are.

        Idempotent by its id: the answer to a first try may be lost.
        """

        def join(found: tuple[Requester, ...]) -> tuple[Requester, ...]:
            is_there = _has(found, requester.id)
            return found if is_there else requesters.joined(found, requester)

        if not _has(self._change(record, join), requester.id):
            return None
        return Ticket(job=record.id, requester=requester.id)

    def leave(self, record: Record, requester_id: str) -> bool:
        """Remove a requester, and return whether none is left.

        Atomic where updates are. Idempotent.
        """
        if record.key is None:
            return True  # no one else can have joined
        # A later cursor than any of the job, because the job goes on for others.
        left = record.cursor + _BEYOND

        after = self._change(
            record, lambda found: requesters.without(found, requester_id, left)
        )
        return not requesters.staying(after)

    def _change(
        self,
        record: Record,
        change: Callable[[tuple[Requester, ...]], tuple[Requester, ...]],
    ) -> tuple[Requester, ...]:
        def update(text: str | None) -> str:
            found = _from_text(text) if text else record.requesters
            return json.dumps([asdict(requester) for requester in change(found)])

        text = self._documents.update(f"{record.id}.requesters", update)
        self._documents.announce(record.id)
        return _from_text(text)


def with_requesters(record: Record, text: str | None) -> Record:
    """Return a record with the requesters of a document, if there is one."""
    return replace(record, requesters=_from_text(text)) if text else record


def _has(found: Sequence[Requester], requester_id: str) -> bool:
    return any(each.id == requester_id for each in found)


def _from_text(text: str) -> tuple[Requester, ...]:
    return tuple(from_fields(Requester, fields) for fields in json.loads(text))
