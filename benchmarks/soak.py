"""A soak: thousands of jobs, while what runs and serves them is killed at random.

    python -m benchmarks.soak --jobs 2000 --minutes 10

It runs on real processes: gunicorn, dispatchers and workers. Pages start jobs, poll,
cancel, or go away. In the end every job has to be accounted for, and nothing may be
left over: no process, no file descriptor, no row of the store. Exits with 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import diskcache
import psutil

from tests.integration.page import TERMINAL, Job, Page
from tests.integration.servers import Server, gunicorn, is_dispatcher
from tests.ports import free_port

#: Names of the callbacks in ``soak_app.py``.
KINDS = ("plain", "brief", "polite", "leaving")

PLACES, WEB_PROCESSES = 4, 2

#: Seconds for which records are kept, and within which each job has to have ended
#: after everybody has stopped killing.
RESULT_TTL, BOUND = 90.0, 60.0

#: Errors of a request to a server that is being killed.
UNREACHABLE = (OSError, HTTPException)


@dataclass
class Count:
    """What came of it all, from many threads."""

    statuses: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    started: int = 0
    unanswered: int = 0


@dataclass(frozen=True)
class Sample:
    """What there is at one moment."""

    seconds: float
    processes: int
    files: int
    rows: int
    live: int

    def __str__(self) -> str:
        return (
            f"{self.seconds:6.0f} s  {self.processes:4} processes  {self.files:5} open "
            f"files  {self.rows:6} rows  {self.live:4} live jobs"
        )


class Soak:
    """One run.

    Args:
        folder: for the server and its store.
        seed: of all that is random.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.count = Count()
        self._folder = folder
        self._random = random.Random(seed)  # noqa: S311
        self._stopped = threading.Event()
        self._restarting = threading.Lock()
        self._start = time.monotonic()
        self._server = self._new_server(free_port())

    def _new_server(self, port: int) -> Server:
        command = gunicorn(
            WEB_PROCESSES,
            "soak_app:server",
            max_concurrency=PLACES,
            result_ttl=RESULT_TTL,
            queue_timeout=30.0,
        )
        return Server([part.format(port=port) for part in command], self._folder, port)

    def run(self, jobs: int, minutes: float) -> list[Sample]:
        """Start jobs evenly over some minutes; return a sample every ten seconds."""
        self._server.start()
        samples: list[Sample] = []
        killer = threading.Thread(target=self._kill_at_random)
        killer.start()
        with ThreadPoolExecutor(64) as pool:
            pages = []
            for number in range(jobs):
                due = self._start + number * minutes * 60 / jobs
                while time.monotonic() < due:
                    time.sleep(max(0.0, min(0.2, due - time.monotonic())))
                    if time.monotonic() - self._start > 10 * len(samples):
                        samples.append(self.sample())
                        print(samples[-1], flush=True)
                pages.append(pool.submit(self._live, number, self._random.random()))
            self._stopped.set()
            killer.join()
            for page in pages:
                page.result()
        self._settle()
        samples.append(self.sample())
        print(samples[-1], flush=True)
        return samples

    # Pages

    def _live(self, number: int, chance: float) -> None:
        """Be a page with one job."""
        page = Page(self._server.url)
        own = random.Random(chance)  # noqa: S311
        kind, name = own.choice(KINDS), f"result-{number}"
        value = {
            "name": name,
            "seconds": own.choice([0, 0.1, 0.5, 2.0]),
            "child": own.random() < 0.2,
        }
        try:
            job = page.start(kind, value)
        except (*UNREACHABLE, AssertionError, KeyError):
            # The click failed, and its user knows. What it may have begun has to end.
            self.count.unanswered += 1
            return
        self.count.started += 1
        if own.random() < 0.05:
            return  # the page is closed: nobody asks any more
        wants_cancel = own.random() < 0.15
        self._follow(page, job, wants_cancel)
        if not job.has_ended:
            self.count.wrong.append(f"{name} ({kind}) has no end: {job.status}")
            return
        self.count.statuses[job.status] += 1
        if job.status == "succeeded" and job.result != name:
            self.count.wrong.append(f"{name} has the result of another: {job.result}")
        if job.status in ("lost", "failed") and "UnknownJob" in str(job.snapshots[-1]):
            self.count.wrong.append(f"{name} ({kind}) was forgotten")
        again = Job(job.handle)
        if self._poll(page, again) and again.status != job.status:
            self.count.wrong.append(f"{name} ended twice: {job} and {again}")

    def _follow(self, page: Page, job: Job, wants_cancel: bool) -> None:
        until: float | None = None
        while not job.has_ended:
            if self._stopped.is_set():
                until = until or time.monotonic() + BOUND
                if time.monotonic() > until:
                    return
            if not self._poll(page, job):
                time.sleep(0.5)
            elif wants_cancel and job.status == "running":
                with suppress(*UNREACHABLE):
                    page.post("_dash-long-jobs/cancel", [job.token])

    def _poll(self, page: Page, job: Job) -> bool:
        """Ask for news of a job, and wait as a page would. False for no answer."""
        try:
            answer = page.post("_dash-long-jobs/poll", [[job.token, job.cursor]])
        except UNREACHABLE:
            return False
        if answer.status != 200:
            return False
        for snapshot in answer.json.get("jobs", {}).values():
            job.take(snapshot)
        if not job.has_ended:
            time.sleep(min(answer.json["next"], 1000) / 1000)
        return True

    # Death

    def _kill_at_random(self) -> None:
        ways: list[tuple[str, int, Callable[[], psutil.Process | None]]] = [
            ("worker", 12, lambda: self._one(self._workers())),
            ("dispatcher", 3, lambda: self._one(self._server.dispatchers())),
            ("web process", 4, lambda: self._one(self._web_processes())),
        ]
        restart_at = time.monotonic() + 20
        while not self._stopped.wait(self._random.uniform(0.3, 1.5)):
            if time.monotonic() > restart_at:
                restart_at = time.monotonic() + self._random.uniform(20, 40)
                self._restart()
                continue
            name, _, find = self._random.choices(
                ways, [weight for _, weight, _ in ways]
            )[0]
            with suppress(psutil.Error):
                victim = find()
                if victim is not None:
                    victim.kill()
                    self.count.kills[name] += 1

    def _restart(self) -> None:
        """End the whole server as a machine's service manager would, and start it."""
        with suppress(ProcessLookupError):
            os.kill(
                self._server.pid, self._random.choice([signal.SIGTERM, signal.SIGKILL])
            )
        self.count.kills["server"] += 1
        master = psutil.Process(self._server.pid)
        with suppress(psutil.Error):
            master.wait(20)
        # Whom gunicorn's master leaves behind when it is killed sees that by itself.
        self._server.start()

    def _one(self, processes: list[psutil.Process]) -> psutil.Process | None:
        return self._random.choice(processes) if processes else None

    def _workers(self) -> list[psutil.Process]:
        return [
            process
            for dispatcher in self._server.dispatchers()
            for process in dispatcher.children()
        ]

    def _web_processes(self) -> list[psutil.Process]:
        return [
            child
            for child in psutil.Process(self._server.pid).children()
            if not is_dispatcher(child)
        ]

    # Accounts

    def sample(self) -> Sample:
        processes = self._server.processes()
        files = 0
        for process in processes:
            with suppress(psutil.Error):
                files += process.num_fds()
        with self._store() as store:
            rows, live = len(store), len(self._live_jobs(store))
        seconds = time.monotonic() - self._start
        return Sample(seconds, len(processes), files, rows, live)

    def _store(self) -> diskcache.Cache:
        return diskcache.Cache(str(self._folder / "cache" / "long-jobs"))

    def _live_jobs(self, store: diskcache.Cache) -> list[dict[str, Any]]:
        records = [
            json.loads(store[key])
            for key in list(store)
            if str(key).startswith("job:") and key in store
        ]
        return [record for record in records if record["status"] not in TERMINAL]

    def _settle(self) -> None:
        """Wait until no job is live, and the last record's time is over."""
        page = Page(self._server.url)
        until = time.monotonic() + BOUND + RESULT_TTL + 60
        with self._store() as store:
            while time.monotonic() < until:
                with suppress(*UNREACHABLE):
                    page.load()
                if not [key for key in list(store) if str(key).startswith("job:")]:
                    return
                time.sleep(1)

    def close(self) -> None:
        """Stop the server, and see that nothing of it is left."""
        with self._store() as store:
            for record in self._live_jobs(store):
                self.count.wrong.append(
                    f"{record['id']} is {record['status']} for ever"
                )
            left = [key for key in list(store) if not _is_table(str(key))]
            if left:
                self.count.wrong.append(f"Rows are left: {left[:10]}")
        self._server.terminate()
        until = time.monotonic() + 20
        while self._server.processes() and time.monotonic() < until:
            time.sleep(0.2)
        for process in self._server.processes():
            with suppress(psutil.Error):
                self.count.wrong.append(f"A process is left: {process.cmdline()}")
        self._server.close()


def _is_table(key: str) -> bool:
    tables = ("secret", "waiting", "workers", "libraries", "dispatchers", "clients")
    return key in (*tables, "presence") or key.startswith("durations")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(Path(folder), options.seed)
        try:
            soak.run(options.jobs, options.minutes)
        finally:
            soak.close()
    count = soak.count
    print(f"{count.started} jobs started, {count.unanswered} clicks failed")
    print("ends: ", dict(count.statuses))
    print("kills:", dict(count.kills))
    print("wrong:", "nothing" if not count.wrong else "")
    for text in count.wrong:
        print("  ", text)
    return 1 if count.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
