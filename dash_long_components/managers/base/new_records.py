"""Records of jobs that were started a moment ago, and that no store shows."""

from __future__ import annotations

import time

from ...core.ids import Ticket
from ...core.records import Record
from ...core.requesters import Requester


def new_record(ticket: Ticket, task: str, owner: str | None) -> Record:
    """Return the record of a job that has just been queued.

    Args:
        ticket: of the job, and of the one who has started it.
        task: name of its task.
        owner: the user to whom it belongs, as JSON text; None if it has none.
    """
    now = time.time()
    return Record(
        id=ticket.job,
        task=task,
        code="",
        created=now,
        changed=now,
        requesters=(Requester(id=ticket.requester, owner=owner),),
    )
