"""The inventory of a deployment: processes, descriptors, rows, messages."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import kombu
import psutil
import redis

from .deployment import QUEUE, RESULT_TTL, Deployment

#: Marks what a backend forgets by itself when its time is over.
_PASSING = "until it expires: "

#: Rows that stay, by the beginning of their names: the deployment's own.
_STAYS = (
    _PASSING,
    *("durations", "duration", "library", "libraries", "secret", "Settings", "process"),
    *("dispatchers", "clients", "dash-long-jobs", "_kombu.binding", "imported"),
    # Celery's own accounts of what it delivers: it looks through them in an hour.
    "unacked",
)

#: Seconds for which records may outlive their time, and for which processes may take
#: to end.
_SWEEP, _ENDING = 75.0, 20.0

#: How many more descriptors a process may have after thousands of requests.
_SLACK = 12


@dataclass
class Inventory:
    """The inventory at one moment.

    Attributes:
        processes: how many, by what they are.
        files: what the process of each kind with the most descriptors has open.
        zombies: the names of their parents.
    """

    processes: Counter[str] = field(default_factory=Counter)
    files: dict[str, list[str]] = field(default_factory=dict)
    zombies: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        files = max(map(len, self.files.values()), default=0)
        return (
            f"{self.processes.total():3} processes, {len(self.zombies)} zombies, "
            f"at most {files} open files"
        )


def look(deployment: Deployment, known: Collection[int] = ()) -> Inventory:
    """Return what there is now, but for processes with some numbers."""
    inventory = Inventory()
    for service in deployment.services:
        for process in service.processes():
            if process.pid in known:
                continue
            with suppress(psutil.Error, OSError):
                kind = f"{service.name}: {_kind(process)}"
                inventory.processes[kind] += 1
                most = inventory.files.get(kind, [])
                inventory.files[kind] = max(most, _files(process), key=len)
                inventory.zombies += [
                    kind
                    for child in process.children()
                    if child.status() == psutil.STATUS_ZOMBIE
                ]
    return inventory


def _kind(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    known = {"dispatcher": "dispatcher or job", "gunicorn": "gunicorn"}
    known |= {"celery": "celery", "resource_tracker": "resource tracker"}
    return next((kind for part, kind in known.items() if part in line), line[:60])


def rows(deployment: Deployment) -> Counter[str]:
    """Count rows of the store, by kind."""
    if not deployment.is_celery:
        return _tables(deployment)
    found: Counter[str] = Counter()
    with redis.Redis(port=deployment.redis().port, db=1, socket_timeout=5) as records:
        for key in records.scan_iter(count=1000):
            kind = re.sub(r"[\w-]{16,}", "<id>", key.decode())
            has_end = int(str(records.ttl(key))) >= 0
            found[kind if not has_end else f"{_PASSING}{kind}"] += 1
    with redis.Redis(port=deployment.redis().port, db=0, socket_timeout=5) as queue:
        for key in queue.scan_iter(count=1000):
            found[key.decode()] += 1
        found[f"messages in {QUEUE}"] += int(str(queue.llen(QUEUE)))
    if deployment.manager == "rabbitmq":
        found[f"messages in {QUEUE}"] += _messages(deployment.broker_url())
    return +found


def _tables(deployment: Deployment) -> Counter[str]:
    found: Counter[str] = Counter()
    for path in (deployment.web.folder / "cache" / "long-jobs").glob("*.db"):
        with closing(sqlite3.connect(path, timeout=10)) as database:
            names = database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall()
            for (name,) in names:
                if name == "Cache":
                    keys = database.execute("SELECT key FROM Cache").fetchall()
                    found.update(str(key).partition(":")[0] for (key,) in keys)
                else:
                    count = f"SELECT count(*) FROM [{name}]"  # noqa: S608
                    found[name] += database.execute(count).fetchone()[0]
    return +found


def _messages(url: str) -> int:
    with kombu.Connection(url, connect_timeout=5) as connection:
        return connection.SimpleQueue(QUEUE).qsize()


def rows_left(deployment: Deployment, before: Counter[str]) -> list[str]:
    """Wait until the records of all jobs are gone; return what is left after a time.

    Args:
        deployment: that has no job any more.
        before: what ``rows`` returned at the beginning.
    """
    until = time.monotonic() + RESULT_TTL + _SWEEP
    while True:
        left = {
            kind: count
            for kind, count in rows(deployment).items()
            if count > before[kind] and not kind.startswith(_STAYS)
        }
        if not left or time.monotonic() > until:
            return [f"{count} rows: {kind}" for kind, count in left.items()]
        time.sleep(1.0)


def grown(
    deployment: Deployment, before: Inventory, known: Collection[int]
) -> list[str]:
    """Return which kinds of processes have become more, or hold more descriptors.

    For a moment there may be more of them: only what stays counts.

    Args:
        deployment: that has no job any more.
        before: what there was at the beginning.
        known: numbers of programs that the accounts have already.
    """
    until = time.monotonic() + _ENDING
    while (
        found := _more(before, look(deployment, known))
    ) and time.monotonic() < until:
        time.sleep(1.0)
    return found


def _more(before: Inventory, after: Inventory) -> list[str]:
    more = [
        f"{count} processes, {before.processes[kind]} at the beginning: {kind}"
        for kind, count in after.processes.items()
        if count > before.processes[kind] + 1
    ]
    files = [
        f"{len(names)} descriptors, {len(before.files[kind])} at the beginning: {kind}:"
        f" {_counts(names)}"
        for kind, names in after.files.items()
        if kind in before.files and len(names) > len(before.files[kind]) + _SLACK
    ]
    zombies = [f"zombies of {_counts(after.zombies)}"] if after.zombies else []
    return more + files + zombies


def _files(process: psutil.Process) -> list[str]:
    """Return what a process has open, with no numbers: the like counts together."""
    peers = {
        connection.fd: f"{connection.status} to {connection.raddr}"
        for connection in process.net_connections("inet")
    }
    found = []
    for path in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(OSError):
            name = re.sub(r"\d+", "", os.readlink(path))
            found.append(peers.get(int(path.name), name))
    return found


def _counts(names: Iterable[str]) -> str:
    counts = Counter(names).most_common()
    return ", ".join(f"{count} {name}" for name, count in counts)


def processes_left(deployment: Deployment, known: Collection[int]) -> list[str]:
    """Wait until no process of a stopped deployment is there; return what is left.

    Args:
        deployment: that was stopped.
        known: numbers of programs that the accounts have already.
    """
    until = time.monotonic() + _ENDING
    while (found := deployment.processes()) and time.monotonic() < until:
        time.sleep(0.25)
    left = []
    for process in found:
        if process.pid in known:
            continue
        with suppress(psutil.Error, OSError):
            left.append(f"{process.pid}: {' '.join(process.cmdline())[:120]}")
    return left
