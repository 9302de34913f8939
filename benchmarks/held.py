"""Pages that wait on an asynchronous server, which holds their polls.

Native pages on the same server poll once a second.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from .load import Connection, poll_request, wait_seconds
from .pages import Job, OurPage, Page, page_of
from .rows import Bench, Row, Sample
from .servers import KINDS, Deployment, Kind

#: Milliseconds from the end of a quiet job until its page has the result.
SOON = 30

#: What a thousand pages that wait may cost: percent of a core, and kB for each.
CPU, MEMORY = 5, 60

#: Celery's worker runs jobs in threads: waiting pages are measured here, not workers.
_MANY = ("-P", "threads", "-c", "24")


@dataclass
class Waiting:
    """Pages that wait, each for one job, on a connection of its own.

    Attributes:
        errors: of their polls.
        results: of the jobs that have ended, with the time at which the page had it.
    """

    page: Page
    errors: list[str] = field(default_factory=list)
    results: list[tuple[float, dict[str, float]]] = field(default_factory=list)

    async def follow(self, job: Job) -> None:
        """Poll for a job until it has ended, as a page does."""
        connection = Connection(self.page.url)
        try:
            while job.result is None:
                wait = 0.5
                try:
                    poll = poll_request(self.page, job)
                    answer = await connection.send(poll)
                except (OSError, RuntimeError) as error:
                    self.errors.append(str(error))
                else:
                    self._take(job, answer)
                    wait = wait_seconds(self.page, answer)
                if job.result is None:
                    await asyncio.sleep(wait)
        finally:
            connection.close()

    def _take(self, job: Job, answer: bytes) -> None:
        now = time.time()
        self.page.take(job, json.loads(answer))
        if job.result is not None:
            self.results.append((now, job.result))


def measure(bench: Bench) -> None:
    ends = _measure_ends(bench)
    crowds: dict[tuple[Kind, int], Crowd] = {}
    thousand, most = bench.times(1000, 100), bench.times(5000, 300)
    for kind in KINDS:
        for pages in (thousand, most) if kind.is_ours else (thousand,):
            crowds[kind, pages] = measure_crowd(bench, kind, pages)
    for manager in ("diskcache", "celery"):
        ours, native = (kind for kind in KINDS if kind.manager == manager)
        quiet = f"a job that was quiet for {_quiet(bench)} s"
        what = f"FastAPI: from the end of {quiet} to its page"
        row = Row(what, manager, "ms", ends[ours], ends[native], digits=0)
        row.expect_at_most(SOON)
        bench.add(row)
        _add_crowd(bench, manager, crowds[ours, thousand], crowds[native, thousand])
        _add_most(bench, manager, most, crowds[ours, most])


def _quiet(bench: Bench) -> int:
    return bench.times(60, 3)


def _measure_ends(bench: Bench) -> dict[Kind, Sample]:
    """Return how late pages get the results of jobs that report nothing, in ms.

    All contenders wait at the same time, which costs next to nothing.
    """
    count = bench.times(20, 5)
    with bench.servers() as servers:
        waiting: dict[Kind, Waiting] = {}
        jobs: dict[Kind, list[Job]] = {}
        for kind in KINDS:
            options = {"max_concurrency": count} if kind.is_ours else {}
            deployment = servers.start(
                kind, backend="fastapi", manager=options, celery=_MANY
            )
            waiting[kind] = Waiting(_open(deployment))
            waiting[kind].page.run(seconds=0.01)
        for kind, each in waiting.items():
            # They end one after the other, and at no full second.
            jobs[kind] = [
                each.page.start(number, seconds=_quiet(bench) + number * 0.37)
                for number in range(count)
            ]

        async def follow_all() -> None:
            await asyncio.gather(
                *(
                    each.follow(job)
                    for kind, each in waiting.items()
                    for job in jobs[kind]
                )
            )

        asyncio.run(follow_all())
        return {
            kind: Sample([(at - job["ended"]) * 1000 for at, job in each.results])
            for kind, each in waiting.items()
        }


@dataclass(kw_only=True)
class Crowd:
    """The cost of many pages that wait.

    Attributes:
        errors: of their polls.
        cpu: percent of a core.
        memory: kB for each page.
    """

    errors: list[str]
    cpu: float
    memory: float


def measure_crowd(bench: Bench, kind: Kind, pages: int) -> Crowd:
    # Long enough for each poll that is held to be answered once.
    ramp, seconds = bench.times(15, 4), bench.times(30, 5)
    bench.noise.sample()
    with bench.servers() as servers:
        options = {"max_concurrency": 4, "max_queue": 2 * pages}
        deployment = servers.start(
            kind, backend="fastapi", manager=options if kind.is_ours else {}
        )
        page = _open(deployment)
        # A native job on Diskcache is a process, so that pages have to share some.
        count = 20 if kind == KINDS[1] else pages
        jobs = [page.start(number, seconds=900) for number in range(count)]
        for start in range(0, count, 100):
            page.poll(*jobs[start : start + 100])
        waiting = Waiting(page)
        memory = deployment.server_memory()

        async def wait() -> Crowd:
            tasks = [
                asyncio.create_task(_later(waiting, jobs[number % count], delay))
                for number, delay in enumerate(_spread(pages, ramp))
            ]
            await asyncio.sleep(ramp + 5)
            before, start = deployment.server_cpu(), time.perf_counter()
            await asyncio.sleep(seconds)
            cpu = deployment.server_cpu() - before
            cost = Crowd(
                errors=waiting.errors,
                cpu=100 * cpu / (time.perf_counter() - start),
                memory=(deployment.server_memory() - memory) / pages / 1000,
            )
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            return cost

        return asyncio.run(wait())


async def _later(waiting: Waiting, job: Job, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await waiting.follow(job)


def _spread(pages: int, seconds: float) -> Iterable[float]:
    return (number * seconds / pages for number in range(pages))


def _open(deployment: Deployment) -> Page:
    page = page_of(deployment)
    page.is_held = isinstance(page, OurPage)
    return page


def _add_crowd(bench: Bench, manager: str, ours: Crowd, native: Crowd) -> None:
    pages = f"{bench.times(1000, 100):,} waiting pages"
    cpu = Sample([ours.cpu]), Sample([native.cpu])
    what = f"FastAPI: CPU of the server, {pages}"
    row = Row(what, manager, "% of a core", *cpu, digits=1)
    row.expect_at_most(CPU)
    bench.add(row)
    memory = Sample([ours.memory]), Sample([native.memory])
    what = f"FastAPI: memory of the server per page, {pages}"
    row = Row(what, manager, "kB", *memory, digits=0)
    row.expect_at_most(MEMORY)
    bench.add(row)


def _add_most(bench: Bench, manager: str, pages: int, crowd: Crowd) -> None:
    what = f"FastAPI, one process, {pages:,} waiting pages"
    errors = Sample([len(crowd.errors)])
    row = Row(f"{what}: errors", manager, "", errors, digits=0)
    row.expect_at_most(0)
    bench.add(row)
    cpu, memory = Sample([crowd.cpu]), Sample([crowd.memory])
    bench.add(Row(f"{what}: CPU of the server", manager, "% of a core", cpu, digits=1))
    bench.add(Row(f"{what}: memory per page", manager, "kB", memory, digits=0))
