"""Notices that a worker takes no messages any more, though its process lives.

Celery's consumer may stay deaf after it has connected to the broker again
(celery#8030, celery#10205), or hang. Then the worker still renews its lease, and
nothing else tells that from an idle worker.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
from dataclasses import dataclass
from enum import Enum
from typing import Any

import celery
from celery import bootsteps, signals
from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.concurrency.solo import TaskPool as SoloPool
from celery.worker import state as worker_state

from ..messages.call_with_timeout import SingleCall
from ..messages.sending import tell_broker, transport
from ..workers.going_on import going_on
from ..workers.homes import Home
from ..workers.leases import Lease
from . import pool_jobs

logger = logging.getLogger("dash_long_components")

#: Leases for which a consumer takes nothing before it counts as stuck, and seconds at
#: least.
_LEASES, _LEAST = 3, 10.0

#: Looks at a consumer in that time.
_LOOKS = 3


class Stuck(Enum):
    """How a consumer does not do its work."""

    DEAF = "It has a free process and takes no message, though messages wait in {}."
    HANGS = "Its main thread has been busy for too long, so that no job begins there."


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What one look at a consumer shows.

    Attributes:
        at: when, by the monotonic clock.
        connection: of the consumer, by its number; None if it has none.
        received: messages that the worker has received so far.
        turns: how often its main thread has come back to its loop at our request; None
            where it can't be asked.
        queue: one in which messages wait that it could take; "" if there is none.
    """

    at: float
    connection: int | None
    received: int
    turns: int | None
    queue: str


class Judge:
    """Judges a consumer by a row of looks.

    Args:
        limit: seconds after which it is stuck.
    """

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._last: Sight | None = None
        self._taken = self._turned = 0.0
        self._verdict: Stuck | None = None

    def judge(self, sight: Sight) -> Stuck | None:
        """Return what is wrong with a consumer after one more look at it.

        It stays so until the consumer shows otherwise: another connection does not.
        """
        last, self._last = self._last, sight
        connection = sight.connection
        if last is None or connection is None or last.connection != connection:
            self._taken = self._turned = sight.at
            return self._verdict
        has_taken = not sight.queue or last.received != sight.received
        if has_taken:
            self._taken = sight.at
        has_turned = sight.turns is None or last.turns != sight.turns
        if has_turned:
            self._turned = sight.at
        if sight.at - self._turned >= self._limit:
            self._verdict = Stuck.HANGS
        elif sight.at - self._taken >= self._limit:
            self._verdict = Stuck.DEAF
        elif self._shows_otherwise(has_taken=has_taken, has_turned=has_turned):
            self._verdict = None
        return self._verdict

    def _shows_otherwise(self, *, has_taken: bool, has_turned: bool) -> bool:
        """Return whether a consumer does again what it was found not to do."""
        return has_taken if self._verdict is Stuck.DEAF else has_turned


class ConsumerWatch:
    """Looks at the consumer of this worker, and has it connect again if it is deaf.

    Attributes:
        received: messages that the worker has received so far.

    Args:
        worker: of Celery.
        lease: of the worker, in seconds.
    """

    #: None outside of workers.
    current: ConsumerWatch | None = None

    def __init__(self, worker: Any, lease: float) -> None:
        self._worker = worker
        self._app: celery.Celery = worker.app
        self._limit = max(_LEASES * lease, _LEAST)
        self._judge = Judge(self._limit)
        self._again_at = 0.0
        self._calls = SingleCall()
        self._connection: Any = None
        self.received = 0
        self._turns = 0
        self._seen: int | None = None
        self._stuck: Stuck | None = None

    @property
    def stuck(self) -> Stuck | None:
        """How the consumer does not do its work; None if it does."""
        return self._stuck

    def run(self) -> None:
        """Look for as long as this process lives."""
        while True:
            with going_on("The watch of Celery's consumer"):
                self.look()
            time.sleep(self._limit / _LOOKS)

    def look(self) -> None:
        """Look at the consumer once."""
        sight = self._see()
        stuck = self._judge.judge(sight)
        if stuck is None:
            if self._stuck is not None:
                logger.info("The worker %s takes messages again.", self._name)
        else:
            if self._stuck is not stuck:
                logger.error(
                    "The worker %s takes no messages. %s Restart it, if it does not "
                    "say within a minute that it takes messages again.",
                    self._name,
                    stuck.value.format(f"the queue {sight.queue!r}"),
                )
            if stuck is Stuck.DEAF and sight.at >= self._again_at:
                self._again_at = sight.at + self._limit
                self._connect_again()
        self._stuck = stuck
        if Lease.current is not None:
            Lease.current.is_stuck = stuck is not None

    @property
    def _name(self) -> str:
        return str(self._worker.hostname)

    def _see(self) -> Sight:
        consumer = getattr(self._worker, "consumer", None)
        is_connected = bool(getattr(consumer, "connection", None))
        if pool_jobs.is_stopping():
            is_connected = False
        turns = None
        hub = getattr(consumer, "hub", None)
        # A job of this pool runs in the main thread.
        if hub is not None and not isinstance(self._worker.pool, SoloPool):
            turns = self._turns
            hub.call_soon(self._note_turn)
        queue = ""
        has_turned = turns != self._seen
        if is_connected and (self._has_room(consumer) or not has_turned):
            # During an outage, the main thread waits for the broker too.
            found = self._queue_with_messages()
            is_connected = found is not None
            queue = found if found and self._has_room(consumer) else ""
        self._seen = turns
        return Sight(
            at=time.monotonic(),
            connection=consumer.restart_count if consumer and is_connected else None,
            received=self.received,
            turns=turns,
            queue=queue,
        )

    def _note_turn(self) -> None:
        self._turns += 1

    def _has_room(self, consumer: Any) -> bool:
        """Return whether a process of the pool is free, and no message waits here."""
        buckets = filter(None, getattr(consumer, "task_buckets", {}).values())
        # Tasks that wait for their rate_limit fill what the worker may prefetch.
        if any(getattr(bucket, "contents", None) for bucket in buckets):
            return False
        pool, size = self._worker.pool, self._worker.concurrency
        if isinstance(pool, PreforkPool):
            size = pool.num_processes  # which an autoscaler changes
        return bool(len(worker_state.requests) < size)

    def _queue_with_messages(self) -> str | None:
        """Return such a queue, or ""; None if the broker does not respond."""
        found: list[str] = []

        def look() -> None:
            connection = self._connection or self._app.connection_for_write()
            # A look that hangs or fails does not give it back.
            self._connection = None
            with contextlib.ExitStack() as stack:
                stack.callback(connection.release)
                connection.ensure_connection(max_retries=1)
                for name, queue in self._app.amqp.queues.consume_from.items():
                    if not found and _length(connection, name, queue):
                        found.append(name)
                self._connection = connection
                stack.pop_all()

        try:
            tell_broker(self._app, look, self._calls)
        except Exception:
            return None
        return found[0] if found else ""

    def _connect_again(self) -> None:
        """Have the consumer connect again, if it has a loop that does so."""
        consumer = self._worker.consumer
        if getattr(consumer, "hub", None) is not None:
            consumer.hub.call_soon(_lose_connection)


def _length(connection: Any, name: str, queue: Any) -> int:
    """Return how many messages wait in a queue."""
    with contextlib.closing(connection.channel()) as channel:
        try:
            found = channel.queue_declare(queue=queue.name or name, passive=True)
        except connection.channel_errors:
            return 0  # there is no such queue, as Redis says of one that is empty
        return int(found.message_count)


def _hides(worker: Any) -> bool:
    """Return whether RabbitMQ may give a worker messages that it does not look at.

    In a pool ``solo`` the function of a job runs in the main thread.
    """
    is_busy = bool(worker_state.active_requests)
    if not is_busy or not issubclass(worker.pool_cls, SoloPool):
        return False
    return transport(worker.app) == "amqp"


def _lose_connection() -> None:
    raise ConnectionResetError("the consumer has taken no messages for long")


@signals.task_received.connect
def _count(**_: Any) -> None:
    if ConsumerWatch.current is not None:
        ConsumerWatch.current.received += 1


def step(home: Home) -> type[bootsteps.StartStopStep]:
    """Return a step of Celery's workers that watches their consumer."""

    class ConsumerWatchStep(bootsteps.StartStopStep):
        """Runs a watch in a thread of the worker's main process."""

        requires = ("celery.worker.components:Pool",)

        def __init__(self, worker: Any, **options: Any) -> None:
            super().__init__(worker, **options)
            self._watch = ConsumerWatch.current = ConsumerWatch(worker, home.lease)

        def start(self, worker: Any) -> None:
            if Lease.current is not None:
                Lease.current.hides = functools.partial(_hides, worker)
            threading.Thread(
                target=self._watch.run, name="dash-long-jobs-consumer", daemon=True
            ).start()

    return ConsumerWatchStep
