"""Tell the worker of a job that it has ended."""

from __future__ import annotations

import functools

import celery

from ....core.records import Record
from ....exceptions import BrokerUnavailableError
from ..messages.sending import tell_broker
from ..store.store import CeleryStore
from .commands import END_JOB


def tell_worker_to_end(app: celery.Celery, store: CeleryStore, record: Record) -> None:
    """Tell the worker of a job to end it.

    Raises:
        BrokerUnavailableError: the broker does not accept that.
    """
    live = store.live(record.id)
    if live is None:
        send = functools.partial(app.control.revoke, record.id)
    else:
        send = functools.partial(
            app.control.broadcast,
            END_JOB,
            {"job_id": record.id, "grace": record.limits.grace},
            destination=[live.worker.name],
        )
    try:
        tell_broker(app, send)
    except Exception as error:
        raise BrokerUnavailableError(
            f"Celery's broker does not accept the cancel: {error}"
        ) from error
