"""Keeps a worker whose channel the broker closes.

RabbitMQ closes the channel of a worker that has reserved a message for longer than its
``consumer_timeout``, 30 minutes by default: all processes of the worker may have long
jobs. Celery connects again after the loss of a connection. After that of a channel it
ends the worker (celery#6760).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from celery import bootsteps


class ChannelErrorStep(bootsteps.StartStopStep):
    """A step of Celery's consumers that has them connect again then.

    An error before the loop of a consumer, as for a queue with other arguments, still
    ends the worker: it would come again.
    """

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        consumer.loop = functools.partial(_loop, consumer, consumer.loop)


def _loop(consumer: Any, loop: Callable[..., object], *arguments: object) -> None:
    try:
        loop(*arguments)
    except consumer.conninfo.channel_errors as error:
        raise ConnectionResetError(f"the broker has closed it: {error}") from error
