"""Snapshots of the jobs in a store."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import replace

from ...core import reading
from ...core.forecasts import Forecasts
from ...core.records import Record
from ...core.snapshots import Snapshot
from ...core.status import Status
from .store import Store


def snapshot(
    store: Store,
    forecasts: Forecasts,
    record: Record,
    requester: str,
    cursor: int,
    load_result: Callable[[str], bytes | None],
) -> Snapshot:
    """Return what a requester reads of a job that it has seen up to a cursor.

    With its place in the queue, its estimated time, or what loads its result by the
    id of the job, if that is news.
    """
    shown = reading.since(record, cursor, requester)
    if shown.status is Status.QUEUED:
        between = shown.between_attempts(time.time())
        return between or replace(shown, place=forecasts.place(record))
    if shown.has_begun:
        return shown.with_durations(store.durations.of(record.task))
    if shown.status is Status.SUCCEEDED and shown.cursor > cursor:
        load = functools.partial(load_result, record.id)
        return replace(shown, load_result=load)
    return shown
