"""Checks of ``dash-long-jobs doctor`` on many machines: broker, backend and workers."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Mapping
from typing import Any

from ..exceptions import BrokerUnavailableError
from ..managers.celery.manager import CeleryLongCallbackManager
from . import findings
from .findings import Findings

#: Seconds that clocks may differ.
_APART = 2.0

#: Seconds for which workers may take to answer.
_ANSWER = 2.0

_BY_NTP = "Let all machines set their clocks by NTP: queue_timeout compares them."


def broker(manager: CeleryLongCallbackManager) -> Findings:
    from ..managers.celery.messages.broker import connect

    try:
        connect(manager.handle)
    except Exception as error:  # each broker has exceptions of its own
        text = f"Celery's broker does not respond: {error}"
        raise BrokerUnavailableError(text) from error
    yield findings.ok("The broker accepts connections.")


def backend(manager: CeleryLongCallbackManager) -> Findings:
    manager.halts()
    yield findings.ok("The result backend responds.")


def settings(manager: CeleryLongCallbackManager) -> Findings:
    from ..managers.celery.backends.base import AnyBackend
    from ..managers.celery.backends.choice import backend_of

    conf = manager.handle.conf
    if isinstance(backend_of(manager.handle), AnyBackend):
        yield findings.warning(
            "The result backend has no compare-and-set: two triggers in the same "
            "moment may both count.",
            "Use Redis, a database or the file system.",
        )
    expires = conf.result_expires
    seconds = expires.total_seconds() if hasattr(expires, "total_seconds") else expires
    if seconds and seconds < 3600:
        yield findings.warning(
            f"result_expires is {seconds:.0f} s: a job that waits for its start for "
            "longer is forgotten.",
            "Leave it at a day.",
        )
    if conf.result_extended:
        yield findings.warning(
            "result_extended is on: Celery keeps the arguments of jobs, cookies too.",
            "Switch it off.",
        )


def redis(manager: CeleryLongCallbackManager) -> Findings:
    from ..managers.celery.backends.choice import backend_of
    from ..managers.celery.backends.redis import RedisBackend

    backend = backend_of(manager.handle)
    if not isinstance(backend, RedisBackend):
        return
    client = backend.client
    memory = client.info("memory")
    policy = memory.get("maxmemory_policy", "noeviction")
    if memory.get("maxmemory") and policy != "noeviction":
        yield findings.error(
            f"Redis drops keys when its memory is full (maxmemory-policy {policy}).",
            "CONFIG SET maxmemory-policy noeviction, and in redis.conf.",
        )
    elif policy != "noeviction":
        yield findings.warning(
            f"maxmemory-policy is {policy}: with a maxmemory, Redis would drop jobs.",
            "CONFIG SET maxmemory-policy noeviction, and in redis.conf.",
        )
    if not int(client.info("persistence").get("aof_enabled", 0)):
        yield findings.warning(
            "Redis writes no append-only file: a restart may lose the newest jobs.",
            "redis-server --appendonly yes",
        )
    seconds, micros = client.time()
    apart = abs(seconds + micros / 1e6 - time.time())
    if apart > _APART:
        yield findings.warning(
            f"The clocks of Redis and of this machine are {apart:.1f} s apart.",
            _BY_NTP,
        )


def priorities(manager: CeleryLongCallbackManager) -> Findings:
    from ..managers.celery.documents.documents import Documents
    from ..managers.celery.messages.queues import Queues

    queues = Queues(manager.handle, Documents(manager.handle))
    for queue in queues.without_priorities():
        yield findings.warning(
            f"RabbitMQ ignores priority= in the queue {queue!r}.",
            "task_queue_max_priority = 9 in Celery's configuration. Then delete the "
            "queue while it is empty, and restart the workers: RabbitMQ can't change "
            "it.",
        )


def workers(manager: CeleryLongCallbackManager) -> Findings:
    inspect = manager.handle.control.inspect(timeout=_ANSWER)
    queues = inspect.active_queues() or {}
    if not queues:
        yield findings.error(
            f"No worker has answered within {_ANSWER:g} s.",
            "Start one: celery -A app:celery_app worker. Check that it has the same "
            "broker, and worker_enable_remote_control.",
        )
        return
    yield findings.ok(f"{len(queues)} workers: {', '.join(sorted(queues))}.")
    served = {queue["name"] for each in queues.values() for queue in each}
    yield from _stuck_workers(manager)
    yield from _unserved_queues(manager, served)
    yield from _missing_code(manager, inspect.registered() or {})
    yield from _clocks_and_versions(manager)
    yield from _reservations(inspect.stats() or {})


def _stuck_workers(manager: CeleryLongCallbackManager) -> Findings:
    for name in sorted({it.name for it in manager.workers() if it.state == "stuck"}):
        yield findings.error(
            f"The worker {name} takes no jobs, though its process lives.",
            "Restart it. Its log says why.",
        )


def _unserved_queues(manager: CeleryLongCallbackManager, served: set[str]) -> Findings:
    from ..managers.celery.documents.documents import Documents
    from ..managers.celery.messages.queues import Queues

    names = Queues(manager.handle, Documents(manager.handle)).names()
    for queue in sorted({*names} - served):
        yield findings.error(
            f"No worker takes jobs from the queue {queue!r}.",
            f"Start one: celery -A app:celery_app worker -Q {queue}",
        )


def _missing_code(
    manager: CeleryLongCallbackManager, registered: dict[str, list[str]]
) -> Findings:
    from ..managers.celery.messages.sending import PREFIX, PROBE

    own = {name for name in manager.handle.tasks if name.startswith(PREFIX)} - {PROBE}
    for worker, names in sorted(registered.items()):
        lacking = sorted(own - {str(name).split(" ")[0] for name in names})
        if lacking:
            yield findings.error(
                f"{worker} does not know {len(lacking)} long callbacks, like "
                f"{lacking[0].removeprefix(PREFIX)}: it runs other code.",
                "Deploy the same code to it and restart it.",
            )


def _clocks_and_versions(manager: CeleryLongCallbackManager) -> Findings:
    from ..managers.celery.supervision.commands import DESCRIBE

    asked = time.time()
    answers = manager.handle.control.broadcast(DESCRIBE, reply=True, timeout=_ANSWER)
    took = time.time() - asked
    here = importlib.metadata.version("dash-long-components")
    for worker, answer in (pair for each in answers or [] for pair in each.items()):
        apart = max(asked - answer["time"], answer["time"] - asked - took)
        if apart > _APART:
            yield findings.warning(
                f"The clocks of {worker} and of this machine are {apart:.1f} s apart.",
                _BY_NTP,
            )
        there = answer["versions"]["dash-long-components"]
        if there != here:
            yield findings.warning(
                f"{worker} has dash-long-components {there}, and here it is {here}.",
                "Install the same version everywhere.",
            )


def _reservations(stats: Mapping[str, Mapping[str, Any]]) -> Findings:
    for worker, answer in sorted(stats.items()):
        prefetch = answer.get("prefetch_count") or 0
        size = (answer.get("pool") or {}).get("max-concurrency") or 1
        if isinstance(size, int) and prefetch > size:
            yield findings.warning(
                f"{worker} reserves {prefetch} jobs for {size} processes.",
                "worker_prefetch_multiplier = 1 leaves them to free workers.",
            )


OF_BROKER = (broker, workers)
OF_BACKEND = (backend, settings, redis, priorities)
