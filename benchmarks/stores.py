"""``python -m benchmarks.stores``: what a store costs when it has many jobs.

It submits, reads and takes a job of an empty SQLite store, in turn with a store of many
queued jobs and one of many ended ones.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path
from statistics import median

from dash_long_components.core.calls import Call
from dash_long_components.core.queueing import Scheduling, Sizes
from dash_long_components.core.records import Record
from dash_long_components.core.status import Status
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.store import Store

#: How much longer than in an empty store it may take.
MOST = 1.5

CALL = Call(task="key", fingerprint="f", context={"inputs": [1, 2, 3]})
ME = Process.current()

_numbers = count()


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queued", type=int, default=10_000)
    parser.add_argument("--ended", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=200)
    arguments = parser.parse_args()
    plain, users = Scheduling(), Scheduling(priority=1, max_per_user=2)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:

        def make(label: str) -> Store:
            store = Store(str(Path(name) / label), result_ttl=3600)
            stack.callback(store.close)
            return store

        stores = {
            "empty": (make("empty"), plain),
            "queued": (make("queued"), plain),
            "ended": (make("ended"), plain),
            "empty, turns of users": (make("empty-users"), users),
            "queued, turns of users": (make("queued-users"), users),
        }
        for label in ("queued", "queued, turns of users"):
            store, scheduling = stores[label]
            for _ in range(arguments.queued):
                submit(store, scheduling)
        for _ in range(arguments.ended):
            end(stores["ended"][0])
        times: dict[str, dict[str, list[float]]] = {}
        for _ in range(arguments.times):
            for label, (store, scheduling) in stores.items():
                for what, seconds in measured(store, scheduling):
                    times.setdefault(what, {}).setdefault(label, []).append(seconds)
    report(times)


def submit(store: Store, scheduling: Scheduling) -> str:
    number = next(_numbers)
    now = time.time()
    record = Record(id=f"job-{number}", task="t", code="v", created=now, changed=now)
    store.submit(
        record,
        replace(CALL, scheduling=scheduling),
        max_concurrency=0,
        max_queue=1_000_000,
        owner=f'"user {number % 50}"' if scheduling.max_per_user else None,
    )
    return record.id


def end(store: Store) -> None:
    """Submit a job, and run it to its end."""
    submit(store, Scheduling())
    job_id = take(store)
    succeed(store, job_id)
    free_slot(store, job_id)


def take(store: Store) -> str:
    record = store.dispatching.take("v", ME, Sizes(8))
    if record is None:
        raise RuntimeError("No job waits.")
    return record.id


def succeed(store: Store, job_id: str) -> None:
    store.change(job_id, lambda job: job.end(Status.SUCCEEDED, time.time()), b"1")


def free_slot(store: Store, job_id: str) -> None:
    slot = store.slots.get(job_id)
    if slot is not None:
        store.dispatching.close_slot(job_id, slot, Status.LOST, None)


def measured(store: Store, scheduling: Scheduling) -> Iterator[tuple[str, float]]:
    """Submit, read and take a job; yield what each took."""
    submitted, taken = "", ""

    def submit_one() -> None:
        nonlocal submitted
        submitted = submit(store, scheduling)

    def take_one() -> None:
        nonlocal taken
        taken = take(store)

    yield "submit", timed(submit_one)
    yield "read", timed(lambda: store.read(submitted))
    yield "take", timed(take_one)
    yield "end", timed(lambda: succeed(store, taken))
    free_slot(store, taken)


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def report(times: dict[str, dict[str, list[float]]]) -> None:
    labels = list(next(iter(times.values())))
    print("| ms |", " | ".join(labels), "|")
    print("| --- |", " --- |" * len(labels))
    for what, of in times.items():
        cells = []
        for label in labels:
            value = median(of[label])
            base = median(of["empty, turns of users" if "users" in label else "empty"])
            mark = "" if value <= MOST * base else " **"
            cells.append(f"{1000 * value:.3f} ({value / base:.2f}x{mark})")
        print(f"| {what} |", " | ".join(cells), "|")


if __name__ == "__main__":
    main()
