"""Snapshots of the jobs in a store."""

from __future__ import annotations

from dataclasses import replace

from ...core.forecasts import Forecasts
from ...core.jobs import Status
from ...core.records import Record
from ...core.snapshots import Snapshot
from .store import Store


def snapshot(
    store: Store, forecasts: Forecasts, record: Record, requester: str, cursor: int
) -> Snapshot:
    """Return what a requester reads of a job that it has seen up to a cursor.

    With its place in the queue, its estimated time, or its result if that is news.
    """
    shown = record.since(cursor, requester)
    if shown.status is Status.QUEUED:
        return replace(shown, place=forecasts.place(record))
    if shown.has_begun:
        return shown.with_durations(store.durations.of(record.task))
    if shown.status is Status.SUCCEEDED and shown.cursor > cursor:
        return replace(shown, result=store.result(record.id))
    return shown
