"""What a reader of a job gets to know."""

from __future__ import annotations

from .answers import question_of
from .records import Record
from .snapshots import AttemptShown, Snapshot
from .status import Status


def since(record: Record, cursor: int, requester_id: str | None = None) -> Snapshot:
    """Return what has changed since ``cursor``, as a requester sees it.

    Raises:
        KeyError: there is no such requester.
    """
    left = None if requester_id is None else record.requester(requester_id).left
    if left is not None:
        return Snapshot(
            cursor=max(cursor, left),
            status=Status.CANCELLED,
            created=record.created,
            changed=record.changed,
        )
    progress, bars, steps = record.progress, record.bars, record.steps
    title = record.title
    is_running = record.status is Status.RUNNING
    return Snapshot(
        cursor=max(cursor, record.cursor),
        status=record.status,
        created=record.created,
        changed=record.changed,
        started=record.started,
        has_begun=is_running and record.started_at > cursor,
        progress=progress[1] if progress and progress[0] > cursor else None,
        props=[update for at, update in record.props if at > cursor] or None,
        bars=bars[1] if bars and bars[0] > cursor else None,
        steps=steps[1] if steps and steps[0] > cursor else None,
        log=[line for at, line in record.log if at > cursor] or None,
        title=title[1] if title and title[0] > cursor else None,
        question=question_of(record),
        libraries=record.libraries,
        error=record.error,
        attempt=_shown_attempt(record),
    )


def _shown_attempt(record: Record) -> AttemptShown | None:
    if record.retries is None or record.attempt == 1 or record.status.is_terminal:
        return None
    return AttemptShown(
        number=record.attempt, total=record.retries.attempts, next_try=record.next_try
    )
