"""Sends jobs and probes to Celery's broker."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

import celery

from ....core.outage_log import OutageLog
from ....core.queueing import MAX_PRIORITY
from ....running import tasks
from ..documents.deliveries import Message
from .call_with_timeout import BROKER_TIMEOUT, SingleCall, call_with_timeout

logger = logging.getLogger("dash_long_components")


@lru_cache(maxsize=4)
def _outages(_app: celery.Celery) -> OutageLog:
    """Return the log of the outages of an app's broker."""
    return OutageLog("Celery's broker")


#: Begins the names of the package's Celery tasks.
PREFIX = "dash_long_components."

#: Seconds after a job's timeout when Celery's own limit ends it: should the worker's
#: supervisor hang. Celery may kill a process that has another job by then.
_SPARE = 30.0

#: Name of the Celery task of a probe.
PROBE = f"{PREFIX}probe"

#: Begins the names of those that serve jobs, as the one that ends a workflow's job.
SERVICE_PREFIX = "dash-long-jobs."

#: Name of the Celery task that ends a job whose workflow has ended.
FINISH = f"{SERVICE_PREFIX}finish"


def task_name(key: str, name: str) -> str:
    """Return the name under which Celery knows a task, and routes it."""
    return f"{PREFIX}{name}.{key}"


def is_own(name: str) -> bool:
    """Return whether a Celery task is one of the package."""
    return name.startswith((PREFIX, SERVICE_PREFIX))


def send_job(
    app: celery.Celery, job_id: str, number: int, message: Message, **options: Any
) -> None:
    """Send a job to Celery's broker.

    Args:
        app: of the broker.
        job_id: becomes the id of the Celery task.
        number: of the message, from 0 for the first.
        message: what to send.
        options: of ``Celery.send_task``.
    """
    options |= message.route
    if message.timeout is not None:
        options["time_limit"] = message.timeout + _SPARE
    if message.expires is not None:
        options["expires"] = datetime.fromtimestamp(message.expires, timezone.utc)
    app.send_task(
        message.task,
        args=(job_id, number, message.to_text()),
        task_id=job_id,
        # Keep the arguments out of logs and monitors.
        argsrepr=job_id,
        ignore_result=True,
        add_to_parent=False,
        **options,
    )


def tell_broker(
    app: celery.Celery,
    action: Callable[[], object],
    calls: SingleCall | None = None,
) -> None:
    """Do something with Celery's broker, in time. Logs an outage once.

    Args:
        app: of the broker.
        action: what to do.
        calls: makes the call. Give one to what asks again and again.

    Raises:
        Exception: the broker does not respond. Each broker has exceptions of its own.
    """
    call = calls or call_with_timeout
    try:
        call(BROKER_TIMEOUT, action)
    except Exception as error:
        _outages(app).begin(f"Celery's broker does not respond: {error}")
        raise
    _outages(app).end()


def broker_priority(app: celery.Celery, priority: int) -> int | None:
    """Return the priority of a message, as the broker counts it; None for its default.

    Redis begins with 0, which is that of messages without one. So all messages of an
    app get one there, if any of its tasks has one.
    """
    if transport(app) != "redis":
        return priority or None
    return MAX_PRIORITY - priority if tasks.have_priorities() else None


def priority_of(app: celery.Celery, message: Message) -> int:
    """Return the priority of a message's task: undo ``broker_priority``."""
    if message.priority is None:
        return 0
    is_reversed = transport(app) == "redis"
    return MAX_PRIORITY - message.priority if is_reversed else message.priority


@lru_cache(maxsize=4)
def transport(app: celery.Celery) -> str:
    """Return the kind of an app's broker, like ``"redis"`` or ``"amqp"``."""
    with app.connection_for_write() as connection:
        return str(connection.transport.driver_type)


class Sender:
    """Sends the messages that a reader finds missing, or whose turn has come.

    Its methods return whether the broker has accepted the message. A broker that hangs
    gets a rest, since the caller may have other things to do.

    Args:
        app: of the broker.
    """

    def __init__(self, app: celery.Celery) -> None:
        self._app = app
        self._rests_until = 0.0

    def send_first(self, job_id: str, message: Message) -> bool:
        """Send a job whose turn has come."""
        return self.accepts(
            lambda: send_job(self._app, job_id, 0, message, retry=False)
        )

    def send_again(
        self, job_id: str, number: int, message: Message, copies: int
    ) -> bool:
        """Send a job again whose message is lost, with so many equal messages."""
        logger.warning(
            "The message of job %s is lost on its way to a worker. It is sent again.",
            job_id,
        )
        return all(self.send(job_id, number, message) for _ in range(copies))

    def send(self, job_id: str, number: int, message: Message) -> bool:
        """Send a job."""
        return self.accepts(
            lambda: send_job(self._app, job_id, number, message, retry=False)
        )

    def send_probe(self, message: Message, number: int) -> bool:
        """Send a probe to where a message has gone."""
        return self.accepts(
            lambda: self._app.send_task(
                PROBE,
                args=(message.task, number),
                argsrepr=str(number),
                route_name=message.task,
                **message.route,
                ignore_result=True,
                add_to_parent=False,
                retry=False,
            )
        )

    def accepts(self, send: Callable[[], object]) -> bool:
        """Do something with the broker, unless it rests."""
        began = time.monotonic()
        if began < self._rests_until:
            return False
        try:
            tell_broker(self._app, send)
        except Exception:
            now = time.monotonic()
            self._rests_until = now + (now - began)
            return False
        return True
