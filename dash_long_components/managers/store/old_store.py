"""The store of version 0.1, a key-value file: the new store reads it once."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

from ...core.job_errors import JobError
from ...core.records import Record
from ...core.status import Status
from ..identity import start_time
from .clock import Instant
from .database import Database
from .jobs import Jobs

logger = logging.getLogger("dash_long_components")

_FILE = "cache.db"

_UPGRADED = (
    "The app was upgraded to a version of dash-long-components that keeps jobs in "
    "another form."
)


def take_over(directory: str, database: Database, jobs: Jobs) -> None:
    """Read jobs, results, durations and the secret of an older version. Idempotent.

    Its live jobs end as ``lost``: its own processes would go on to write to the file.

    Args:
        directory: of the store.
        database: to write to.
        jobs: of ``database``.
    """
    path = os.path.join(directory, _FILE)
    if not os.path.exists(path):
        return
    with database.transaction():
        if not database.run("INSERT OR IGNORE INTO imported (file) VALUES (?)", _FILE):
            return
        try:
            rows = dict(_rows(path))
        except sqlite3.Error as error:
            logger.warning("The jobs in %s can't be read: %s", path, error)
            return
        _take_over_jobs(rows, jobs)
        _take_over_shared(rows, database)


def remove_unused(directory: str) -> None:
    """Remove the file of an older version when no process of that version uses it.

    The requests of its jobs go with it.
    """
    path = os.path.join(directory, _FILE)
    if not os.path.exists(path) or _is_in_use(path):
        return
    for suffix in ("", "-wal", "-shm"):
        with suppress(OSError):
            os.remove(path + suffix)


def _rows(path: str) -> Iterator[tuple[str, Any]]:
    connection = sqlite3.connect(path, timeout=1.0)
    with closing(connection):
        for key, value in connection.execute("SELECT key, value FROM Cache"):
            if isinstance(key, str):
                yield key, value


def _take_over_jobs(rows: dict[str, Any], jobs: Jobs) -> None:
    now = Instant.now()
    for key, data in rows.items():
        kind, _, job_id = key.partition(":")
        if kind != "job":
            continue
        try:
            record = Record.from_json(data)
            if not record.status.is_terminal:
                error = JobError(type="Upgraded", message=_UPGRADED, task=record.task)
                record = record.end(Status.LOST, now.wall, error)
        except (TypeError, ValueError, KeyError):
            continue  # a development version has written it
        jobs.add(record, now)
        result = rows.get(f"result:{job_id}")
        if isinstance(result, bytes):
            jobs.add_result(job_id, result)


def _take_over_shared(rows: dict[str, Any], database: Database) -> None:
    secret = rows.get("secret")
    if isinstance(secret, bytes):
        database.run("INSERT INTO secret (secret) VALUES (?)", secret)
    for name in _json(rows, "libraries"):
        database.run("INSERT OR IGNORE INTO library (name) VALUES (?)", name)
    for key in rows:
        kind, _, task = key.partition(":")
        if kind == "durations":
            for seconds in _json(rows, key):
                database.run(
                    "INSERT INTO duration (task, seconds) VALUES (?, ?)", task, seconds
                )


def _is_in_use(path: str) -> bool:
    try:
        rows = dict(_rows(path))
    except sqlite3.OperationalError as error:
        return "no such table" not in str(error)  # it may be locked
    except sqlite3.Error:
        return False
    dispatchers, clients = _json(rows, "dispatchers"), _json(rows, "clients")
    workers = _json(rows, "workers")
    processes = [
        *(each["process"] for each in dict(dispatchers).values()),
        *(process for each in dict(clients).values() for process in each),
        *(each["worker"] for each in dict(workers).values() if each["worker"]),
    ]
    return any(start_time(int(pid)) == started for pid, started in processes)


def _json(rows: dict[str, Any], key: str) -> Any:
    try:
        return json.loads(rows.get(key) or "{}")
    except (TypeError, ValueError):
        return {}
