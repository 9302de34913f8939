"""``python -m benchmarks.saves``: how long a job waits for ``current_job().save()``.

Beside it, the time of what it needs at least on the same machine: a row of SQLite that
is committed, or a text that Redis sets.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from celery import Celery

from dash_long_components.core.calls import Call
from dash_long_components.core.queueing import Sizes
from dash_long_components.core.records import Record
from dash_long_components.core.requesters import Requester
from dash_long_components.core.retries import Retries
from dash_long_components.managers.celery.documents.deliveries import Message
from dash_long_components.managers.celery.documents.job_state import Worker
from dash_long_components.managers.celery.documents.result_cache import (
    CeleryResultCache,
)
from dash_long_components.managers.celery.execution import Execution
from dash_long_components.managers.celery.store.runs import Runs
from dash_long_components.managers.diskcache.worker.job_writer import JobWriter
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.store import Store
from dash_long_components.running.current import CurrentJob
from tests.integration import brokers

T = TypeVar("T")

RETRIES = Retries(times=3, lost=True)

#: Bytes of the two states that are saved.
SIZES = (100, 100_000)


def main() -> None:
    """Measure both managers, and print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=300)
    times = parser.parse_args().times
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in SIZES:
            job, least = on_diskcache(folder / f"store-{size}", size)
            report("diskcache", size, job, least, times)
        (folder / "redis").mkdir()
        with brokers.redis(folder / "redis") as server:
            for size in SIZES:
                job, least = on_redis(server.database(), size)
                report("redis", size, job, least, times)


def report(
    manager: str, size: int, job: CurrentJob, least: Callable[[], object], times: int
) -> None:
    state = "x" * size
    saves, leasts = [], []
    for _ in range(times):
        saves.append(seconds(lambda: job.save(state)))
        leasts.append(seconds(least))
    middle, most = (quantile(saves, share) for share in (0.5, 0.99))
    ratio = statistics.median(saves) / statistics.median(leasts)
    print(
        f"{manager}, {size} bytes: {middle * 1000:.2f} ms (median), "
        f"{most * 1000:.2f} ms (99 %), {ratio:.1f} times the least"
    )


def seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def there(value: T | None) -> T:
    if value is None:
        raise RuntimeError("The job has not started.")
    return value


def record() -> Record:
    now = time.time()
    return Record(
        id="job",
        task="task",
        code="v1",
        requesters=(Requester(id="0"),),
        created=now,
        changed=now,
        retries=RETRIES,
    )


def call() -> Call:
    return Call(task="key", fingerprint="", context={}, retries=RETRIES)


def on_diskcache(folder: Path, size: int) -> tuple[CurrentJob, Callable[[], object]]:
    store = Store(str(folder), result_ttl=60)
    store.submit(record(), call(), max_concurrency=1, max_queue=1)
    started = there(store.dispatching.take("v1", Process.current(), Sizes(1)))
    writer = JobWriter(store, "job", "task", started.run)
    job = CurrentJob(started, writer.is_unwanted, writer)
    path = folder / "least.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE least (job TEXT PRIMARY KEY, state TEXT)")
    state = "x" * size

    def least() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute(
                "INSERT OR REPLACE INTO least VALUES ('job', ?)", [state]
            )

    return job, least


def on_redis(url: str, size: int) -> tuple[CurrentJob, Callable[[], object]]:
    app = Celery("saves", backend=url, set_as_current=False)
    runs = Runs(app, 10.0)
    runs.store.submit(record())
    message = runs.store.prepare(
        record(), Message(task="task"), call().to_json().decode()
    )
    worker = Worker(name="worker", lease="lease")
    live, _ = there(runs.start("job", worker, message))
    results = CeleryResultCache(runs.store.documents)
    execution = Execution(runs, results, live)
    job = CurrentJob(live.record, lambda: False, execution)
    state = "x" * size
    return job, lambda: runs.store.documents.write("least", state)


if __name__ == "__main__":
    main()
