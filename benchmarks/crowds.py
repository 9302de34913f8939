"""Many jobs at once, and many pages that wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from .load import saturate, submit, wait_in_pages
from .machine import quantile
from .pages import page_of
from .rows import Bench, Row, Sample
from .servers import KINDS, Deployment, Kind

#: How many of the submitted jobs run at once.
PLACES = 8

#: Seconds after which a job without an end counts as lost.
GIVEN_UP = 120.0


class Crowd:
    """Many jobs that are submitted at once, and their effect on ordinary callbacks.

    Args:
        deployment: runs them.
        count: how many.
        seconds: that each takes.
    """

    def __init__(self, deployment: Deployment, count: int, seconds: float) -> None:
        self._deployment = deployment
        self._marks = deployment.folder / "marks"
        self._marks.mkdir()
        page = page_of(deployment)
        page.run(seconds=0.01)
        self.idle = Sample([_timed(page.ordinary) for _ in range(200)])
        self.busy = Sample()
        self.most = 0
        self._over = threading.Event()
        watchers = [
            threading.Thread(target=self._click, daemon=True),
            threading.Thread(target=self._count, daemon=True),
        ]
        for watcher in watchers:
            watcher.start()
        start = time.time()
        errors = submit(page, count, seconds=seconds, mark=str(self._marks))
        if errors:
            print(deployment.kind, len(errors), errors[0], deployment.web.log[-2000:])
        ended = self._wait(count - len(errors))
        self._over.set()
        for watcher in watchers:
            watcher.join()
        self.lost = count - len(ended)
        self.total = max(ended, default=time.time()) - start

    def _wait(self, count: int) -> list[float]:
        """Return when the jobs ended, by the files that they have written."""
        until = time.monotonic() + GIVEN_UP
        while len(ended := self._ended()) < count and time.monotonic() < until:
            time.sleep(0.25)
        return ended

    def _ended(self) -> list[float]:
        return [
            float(text.split()[1])
            for path in self._marks.iterdir()
            if (text := path.read_text())
        ]

    def _click(self) -> None:
        page = page_of(self._deployment)
        while not self._over.is_set():
            self.busy.values.append(_timed(page.ordinary))
            time.sleep(0.05)

    def _count(self) -> None:
        """Note the largest number of processes beside the server's own."""
        before = _children(self._deployment)
        while not self._over.wait(0.05):
            self.most = max(self.most, len(_children(self._deployment) - before))


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def _children(deployment: Deployment) -> set[int]:
    """Return all descendants of web server and workers."""
    found: set[int] = set()
    fresh = {deployment.web.pid, *(worker.pid for worker in deployment.workers)}
    while fresh:
        found |= fresh
        fresh = {child for pid in fresh for child in _children_of(pid)} - found
    return found


def _children_of(pid: int) -> list[int]:
    try:
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def measure_jobs(bench: Bench) -> None:
    count, seconds = bench.times(200, 40), bench.times(2, 1)
    crowds: dict[Kind, Crowd] = {}
    for kind in KINDS:
        bench.noise.sample()
        with bench.servers() as servers:
            options = {"max_concurrency": PLACES} if kind.is_ours else {}
            deployment = servers.start(
                kind, manager=options, celery=("-c", str(PLACES))
            )
            crowds[kind] = Crowd(deployment, count, seconds)
    what = f"{count} jobs of {seconds} s at once, {PLACES} places"
    best = count * seconds / PLACES
    for manager in ("diskcache", "celery"):
        ours, native = (crowds[kind] for kind in KINDS if kind.manager == manager)
        if manager == "diskcache":
            # The worker that waits for a job counts as one, a job or not.
            most = Sample([ours.most]), Sample([native.most])
            row = Row(f"{what}: processes", manager, "", *most, digits=0)
            row.expect_at_most(PLACES)
            bench.add(row)
        total = Sample([ours.total]), Sample([native.total])
        row = Row(f"{what}: all done", manager, "s", *total, digits=1)
        row.expect(f"≤ 1.1x {best:g} s", ours.total <= 1.1 * best)
        row.note = "Native jobs run at once." if manager == "diskcache" else ""
        bench.add(row)
        lost = Sample([ours.lost]), Sample([native.lost])
        row = Row(f"{what}: without a result", manager, "", *lost, digits=0)
        row.expect_at_most(0)
        bench.add(row)
        row = Row(
            f"{what}: an ordinary callback meanwhile",
            manager,
            "ms",
            ours.busy,
            native.busy,
        )
        times = ours.busy.p95 / ours.idle.p95
        row.expect(f"p95 ≤ 3x idle: {times:.1f}x", times <= 3)
        row.note = (
            f"p95 when idle: ours {ours.idle.p95:.1f} ms, "
            f"native {native.idle.p95:.1f} ms."
        )
        bench.add(row)


def measure_pages(bench: Bench) -> None:
    pages, seconds = bench.times(1000, 200), bench.times(20, 5)
    waiting: dict[Kind, tuple[Sample, Sample, Sample]] = {}
    for kind in KINDS:
        bench.noise.sample()
        with bench.servers() as servers:
            ours = {"max_concurrency": 4, "max_queue": 2 * pages}
            deployment = servers.start(kind, manager=ours if kind.is_ours else {})
            page = page_of(deployment)
            # A native job on Diskcache is a process, so that pages have to share some.
            count = 20 if kind == KINDS[1] else pages
            jobs = [page.start(number, seconds=900) for number in range(count)]
            for start in range(0, count, 100):
                page.poll(*jobs[start : start + 100])
            tally = wait_in_pages(page, jobs, pages, seconds)
            full = saturate(page, jobs, 64, seconds / 2)
            latencies = [value * 1000 for value in tally.latencies]
            waiting[kind] = (
                Sample(latencies),
                Sample([len(tally.errors) + len(full.errors)]),
                Sample([full.per_second]),
            )
            bench.point("polls per second", kind, pages, full.per_second)
            if tally.errors or full.errors:
                print(kind, (tally.errors + full.errors)[:3])
            print(kind, f"{tally.per_second:.0f} polls/s", quantile(latencies, 0.99))
    for manager in ("diskcache", "celery"):
        ours_, native = (waiting[kind] for kind in KINDS if kind.manager == manager)
        what = f"{pages} waiting pages"
        row = Row(f"{what}: errors", manager, "", ours_[1], native[1], digits=0)
        row.expect_at_most(0)
        bench.add(row)
        row = Row(f"{what}: time of a poll", manager, "ms", ours_[0], native[0])
        bench.add(row)
        what = "polls per second where it saturates"
        row = Row(what, manager, "", ours_[2], native[2], digits=0)
        row.is_rate = True
        row.note = (
            "64 connections poll again as soon as they have an answer. One "
            "measurement each; it varied by a factor of two between runs."
        )
        bench.add(row)
