"""Looks for what goes wrong in practice, and says what to do."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..exceptions import StoreError
from ..managers.base import LongCallbackManager
from ..managers.celery.manager import CeleryLongCallbackManager
from ..managers.diskcache.manager import DiskcacheLongCallbackManager
from ..managers.store.database import FILE, FOLDER
from ..managers.store.registry import DISPATCHER, SERVER
from ..managers.store.store import Store

#: Packages whose versions matter.
_PACKAGES = ("dash-long-components", "dash", "celery", "redis", "diskcache", "psutil")

#: File systems of other machines: the locks of SQLite do not hold there.
_NETWORK = ("nfs", "cifs", "smb", "9p", "afs", "fuse.sshfs", "glusterfs", "ceph")

#: Bytes below which a disk is nearly full.
_LITTLE_SPACE = 500_000_000

#: Seconds after which a queue is not moving, or a worker or dispatcher is silent.
_LONG = 60.0

#: Seconds that clocks may differ.
_APART = 2.0

#: Seconds for which workers may take to answer.
_ANSWER = 2.0


_BY_NTP = "Let all machines set their clocks by NTP: queue_timeout compares them."


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check has found.

    Attributes:
        level: ``ok``, ``warning`` or ``error``.
        text: what was found.
        advice: what to do about it; "" if there is nothing to do.
    """

    level: str
    text: str
    advice: str = ""

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


Findings = Iterator[Finding]


def _ok(text: str) -> Finding:
    return Finding(level="ok", text=text)


def _warning(text: str, advice: str) -> Finding:
    return Finding(level="warning", text=text, advice=advice)


def _error(text: str, advice: str) -> Finding:
    return Finding(level="error", text=text, advice=advice)


def examine(managers: dict[str, LongCallbackManager]) -> list[Finding]:
    """Return what all checks find, in their order. A check that fails is a finding."""
    found = [*_versions()]
    for name, manager in managers.items():
        for check in _checks_of(manager):
            try:
                found += check(manager)
            except StoreError as error:
                found.append(_error(f"{name}: {error}", "Start or repair it."))
            except Exception as error:  # each broker has exceptions of its own
                text = f"{name}: {check.__name__.strip('_')} can't be checked: {error}"
                found.append(_warning(text, "Check it by hand."))
    return found


def _checks_of(manager: LongCallbackManager) -> list[Callable[[Any], Findings]]:
    if isinstance(manager, DiskcacheLongCallbackManager):
        return [_rights, _file_system, _disk, _dispatchers, _queue]
    if isinstance(manager, CeleryLongCallbackManager):
        return [_broker, _settings, _redis, _priorities, _workers, _queue]
    return [_queue]


def _versions() -> Findings:
    found = [f"Python {sys.version.split()[0]}"]
    for package in _PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    yield _ok(", ".join(found))


def _queue(manager: LongCallbackManager) -> Findings:
    health = manager.health()
    waits = health.oldest_wait
    if waits is not None and waits > _LONG and not health.running:
        yield _error(
            f"{health.queued} jobs wait, the oldest for {waits:.0f} s, and none runs.",
            "Start what runs jobs: the server of the app, or workers.",
        )
    elif waits is not None and waits > _LONG:
        yield _warning(
            f"{health.queued} jobs wait, the oldest for {waits:.0f} s.",
            "Raise max_concurrency, or start more workers, if that is too long.",
        )
    else:
        yield _ok(f"{health.queued or 0} jobs wait.")


# One machine


def _path_of(manager: DiskcacheLongCallbackManager) -> Path:
    return Path(str(manager.handle.directory)).resolve() / FOLDER


def _rights(manager: DiskcacheLongCallbackManager) -> Findings:
    folder = _path_of(manager)
    for path in (folder, *folder.glob(f"{FILE}*")):
        status = path.stat()
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO) and os.name == "posix":
            yield _warning(
                f"Other users can read {path}: what requests hold is in it.",
                f"chmod {'700' if path.is_dir() else '600'} {path}",
            )
        if not os.access(path, os.R_OK | os.W_OK):
            yield _error(
                f"This user can't write {path}.",
                "Run all processes of the app, and this command, as one user.",
            )
    yield _ok(f"The job store is {folder / FILE}, SQLite {sqlite3.sqlite_version}.")


def _file_system(manager: DiskcacheLongCallbackManager) -> Findings:
    import psutil

    folder = _path_of(manager)
    mounts = [
        part
        for part in psutil.disk_partitions(all=True)
        if folder.is_relative_to(part.mountpoint)
    ]
    kind = max(mounts, key=lambda part: len(part.mountpoint)).fstype if mounts else ""
    if kind.lower().startswith(_NETWORK):
        yield _error(
            f"{folder} is on a network file system ({kind}): SQLite's locks do not "
            "hold there, and jobs may be lost.",
            "Use a directory of this machine, or CeleryLongCallbackManager for several "
            "machines.",
        )
    else:
        yield _ok(f"{folder} is on {kind or 'a local disk'}.")


def _disk(manager: DiskcacheLongCallbackManager) -> Findings:
    free = shutil.disk_usage(_path_of(manager)).free
    if free < _LITTLE_SPACE:
        yield _error(
            f"The disk of the job store has {free / 1e6:.0f} MB left.",
            "Free space: results and reports would not be stored.",
        )


def _dispatchers(manager: DiskcacheLongCallbackManager) -> Findings:
    store = Store(str(_path_of(manager)), result_ttl=1.0)
    found = store.registry.processes()
    store.close()
    dispatchers = [each for each in found if each.role == DISPATCHER]
    servers = [each for each in found if each.role == SERVER]
    hosts = {each.process.host for each in found}
    if len(hosts) > 1:
        yield _warning(
            f"{len(hosts)} containers or machines use the store. Each runs jobs of its "
            "own.",
            "Use CeleryLongCallbackManager for more than one machine.",
        )
    for each in dispatchers:
        age = time.time() - each.heartbeat
        is_here = each.process.is_here
        if is_here and not each.process.is_alive():
            yield _warning(
                f"The dispatcher {each.process.pid} has died.",
                "The next request of the app starts another one.",
            )
        elif age > _LONG:
            yield _error(
                f"The dispatcher {each.process.pid} has been silent for {age:.0f} s.",
                "It hangs, or its clock is apart. Load a page of the app: a server "
                "replaces a dispatcher that hangs.",
            )
        else:
            yield _ok(f"The dispatcher {each.process.pid} lives.")
    if not dispatchers:
        running = "" if servers else ", and no server of the app runs"
        yield _warning(
            f"No dispatcher runs{running}.", "The next job of the app starts one."
        )
    codes = {each.code for each in servers if each.process.is_alive()}
    if len(codes) > 1:
        yield _warning(
            f"Servers run {len(codes)} versions of the app's code.",
            "Restart all of them after a deployment.",
        )


# Many machines


def _broker(manager: CeleryLongCallbackManager) -> Findings:
    from ..managers.celery.broker import Broker

    if Broker(manager.handle).responds():
        yield _ok("The broker accepts connections.")
    else:
        yield _error(
            "The broker does not respond.",
            "Start it, and check the URL, the port and the password.",
        )


def _settings(manager: CeleryLongCallbackManager) -> Findings:
    from ..managers.celery.backends.base import AnyBackend
    from ..managers.celery.documents import backend_of

    conf = manager.handle.conf
    if isinstance(backend_of(manager.handle), AnyBackend):
        yield _warning(
            "The result backend has no compare-and-set: two triggers in the same "
            "moment may both count.",
            "Use Redis, a database or the file system.",
        )
    expires = conf.result_expires
    seconds = expires.total_seconds() if hasattr(expires, "total_seconds") else expires
    if seconds and seconds < 3600:
        yield _warning(
            f"result_expires is {seconds:.0f} s: a job that waits for its start for "
            "longer is forgotten.",
            "Leave it at a day.",
        )
    if conf.result_extended:
        yield _warning(
            "result_extended is on: Celery keeps the arguments of jobs, cookies too.",
            "Switch it off.",
        )


def _redis(manager: CeleryLongCallbackManager) -> Findings:
    from ..managers.celery.backends.redis import RedisBackend
    from ..managers.celery.documents import backend_of

    backend = backend_of(manager.handle)
    if not isinstance(backend, RedisBackend):
        return
    client = backend.client
    memory = client.info("memory")
    policy = memory.get("maxmemory_policy", "noeviction")
    if memory.get("maxmemory") and policy != "noeviction":
        yield _error(
            f"Redis drops keys when its memory is full (maxmemory-policy {policy}).",
            "CONFIG SET maxmemory-policy noeviction, and in redis.conf.",
        )
    elif policy != "noeviction":
        yield _warning(
            f"maxmemory-policy is {policy}: with a maxmemory, Redis would drop jobs.",
            "CONFIG SET maxmemory-policy noeviction, and in redis.conf.",
        )
    if not int(client.info("persistence").get("aof_enabled", 0)):
        yield _warning(
            "Redis writes no append-only file: a restart may lose the newest jobs.",
            "redis-server --appendonly yes",
        )
    seconds, micros = client.time()
    apart = abs(seconds + micros / 1e6 - time.time())
    if apart > _APART:
        yield _warning(
            f"The clocks of Redis and of this machine are {apart:.1f} s apart.",
            _BY_NTP,
        )


def _priorities(manager: CeleryLongCallbackManager) -> Findings:
    from ..managers.celery.documents import Documents
    from ..managers.celery.queues import Queues

    queues = Queues(manager.handle, Documents(manager.handle))
    for queue in queues.without_priorities():
        yield _warning(
            f"RabbitMQ ignores priority= in the queue {queue!r}.",
            "task_queue_max_priority = 9 in Celery's configuration. Then delete the "
            "queue while it is empty, and restart the workers: RabbitMQ can't change "
            "it.",
        )


def _workers(manager: CeleryLongCallbackManager) -> Findings:
    from ..managers.celery.commands import DESCRIBE
    from ..managers.celery.documents import Documents
    from ..managers.celery.queues import Queues
    from ..managers.celery.sending import PREFIX, PROBE

    inspect = manager.handle.control.inspect(timeout=_ANSWER)
    queues = inspect.active_queues() or {}
    if not queues:
        yield _error(
            f"No worker has answered within {_ANSWER:g} s.",
            "Start one: celery -A app:celery_app worker. Check that it has the same "
            "broker, and worker_enable_remote_control.",
        )
        return
    yield _ok(f"{len(queues)} workers: {', '.join(sorted(queues))}.")
    served = {queue["name"] for each in queues.values() for queue in each}
    names = Queues(manager.handle, Documents(manager.handle)).names()
    for queue in sorted({*names} - served):
        yield _error(
            f"No worker takes jobs from the queue {queue!r}.",
            f"Start one: celery -A app:celery_app worker -Q {queue}",
        )
    own = {name for name in manager.handle.tasks if name.startswith(PREFIX)} - {PROBE}
    for worker, names in sorted((inspect.registered() or {}).items()):
        lacking = sorted(own - {str(name).split(" ")[0] for name in names})
        if lacking:
            yield _error(
                f"{worker} does not know {len(lacking)} long callbacks, like "
                f"{lacking[0].removeprefix(PREFIX)}: it runs other code.",
                "Deploy the same code to it and restart it.",
            )
    asked = time.time()
    answers = manager.handle.control.broadcast(DESCRIBE, reply=True, timeout=_ANSWER)
    took = time.time() - asked
    here = importlib.metadata.version("dash-long-components")
    for worker, answer in (pair for each in answers or [] for pair in each.items()):
        apart = max(asked - answer["time"], answer["time"] - asked - took)
        if apart > _APART:
            yield _warning(
                f"The clocks of {worker} and of this machine are {apart:.1f} s apart.",
                _BY_NTP,
            )
        if answer["versions"]["dash-long-components"] != here:
            yield _warning(
                f"{worker} has dash-long-components "
                f"{answer['versions']['dash-long-components']}, and here it is {here}.",
                "Install the same version everywhere.",
            )
    for worker, answer in sorted((inspect.stats() or {}).items()):
        prefetch = answer.get("prefetch_count") or 0
        size = (answer.get("pool") or {}).get("max-concurrency") or 1
        if isinstance(size, int) and prefetch > size:
            yield _warning(
                f"{worker} reserves {prefetch} jobs for {size} processes.",
                "worker_prefetch_multiplier = 1 leaves them to free workers.",
            )
