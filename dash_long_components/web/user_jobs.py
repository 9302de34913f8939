"""The jobs that a page shows besides its own: those of a user, and that of a link."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ..core import reading
from ..core.ids import Ticket
from ..core.records import Record
from ..core.requesters import Requester
from ..core.search import Search
from ..managers.base import LongCallbackManager
from .managers import Managers

#: Query parameter of a link. ``link.ts`` has it for the page.
PARAMETER = "long-job"

#: How many jobs of a user a page lists: the newest.
MAX_LISTED = 50


def of_user(managers: Managers, owner: str) -> list[dict[str, Any]]:
    """Return the newest jobs of a user, as JSON data, the newest first.

    Leaves out those of a manager that is not responding, while another is.

    Raises:
        StoreError: none of the managers is responding.
    """
    found = managers.look_for(Search(owner=owner, limit=MAX_LISTED))
    found.sort(key=lambda pair: pair[1].created, reverse=True)
    return [
        _of_owner(managers, manager, record, owner)
        for manager, record in found[:MAX_LISTED]
    ]


def of_token(
    managers: Managers, token: str, owner: str | None
) -> dict[str, Any] | None:
    """Return the job of a token, as JSON data; None if the user may not read it.

    Raises:
        StoreError: its manager is not responding.
    """
    found = managers.ticket(token, owner)
    if found is None:
        return None
    manager, text = found
    ticket = Ticket.parse(text)
    with suppress(KeyError):
        record = manager.look_up(ticket.job)
        return _describe(record, record.requester(ticket.requester), [token])
    return None


def link_to(sign: Callable[[str], str], record: Record, requester: Requester) -> str:
    """Return the path of a link to a job, on the page that asked for it.

    Args:
        sign: returns the token of a ticket.
        record: of the job.
        requester: of the page.
    """
    destination = requester.destination
    assert destination is not None  # noqa: S101 - the caller has looked
    location = destination["location"]
    token = sign(str(Ticket(job=record.id, requester=requester.id)))
    return f"{location}{'&' if '?' in location else '?'}{PARAMETER}={token}"


def _of_owner(
    managers: Managers, manager: LongCallbackManager, record: Record, owner: str
) -> dict[str, Any]:
    """Return what a user's page shows of a job."""
    own = [each for each in record.requesters if each.owner == owner]
    staying = [each for each in own if each.left is None] or own
    tokens = [
        managers.sign(str(Ticket(job=record.id, requester=each.id)), manager, owner)
        for each in staying
    ]
    return _describe(record, staying[0], tokens)


def _describe(
    record: Record, requester: Requester, tokens: list[str]
) -> dict[str, Any]:
    now = time.time()
    # A list has no room for more, and the page polls for the result.
    snapshot = replace(
        reading.since(record, 0, requester.id),
        props=None,
        progress=None,
        steps=None,
        log=None,
    )
    title = record.title
    return {
        "id": record.id,
        "name": record.task,
        "title": title[1] if title else None,
        "tokens": tokens,
        "age": round(max(0.0, now - record.created), 3),
        "destination": requester.destination,
        "snapshot": json.loads(b"".join(snapshot.at(now).to_pieces())),
    }
