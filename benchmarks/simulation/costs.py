"""Measures what requests and jobs cost, on Celery with Redis."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean

from ..held import measure_crowd
from ..load import Connection, Tally, poll_request, saturate, wait_in_pages
from ..machine import cpu_seconds
from ..pages import Job, Page, page_of
from ..rows import Bench
from ..servers import Deployment, Kind, Servers, serving
from .model import Costs

_OURS = Kind("ours", "celery")

#: Celery's worker runs jobs in threads: pages that wait are measured, not workers.
_THREADS = ("-P", "threads", "-c", "60")


@dataclass(frozen=True)
class Check:
    """What one web process on Flask does with many pages.

    Attributes:
        pages: that poll once a second.
        rate: polls per second that were answered.
        cost: CPU seconds of the web process for one of them.
        redis_cost: of Redis.
        latencies: seconds of the polls.
    """

    pages: int
    rate: float
    cost: float
    redis_cost: float
    latencies: list[float]


def measure(bench: Bench) -> tuple[Costs, list[Check]]:
    """Measure the costs, and the same machine under known loads."""
    with serving() as servers:
        deployment = servers.start(_OURS, workers=1, celery=_THREADS)
        meter = Meter(servers, deployment)
        page = page_of(deployment)
        long = page.start(1, seconds=900)
        for _ in range(30):
            page.poll(long)
        shape = _shape(page, long, bench.times(2000, 300))
        # Two cores: one for the web process, one for Redis and the client.
        full, web, redis = meter.per_poll(
            lambda: saturate(page, [long], 16, bench.times(10, 3))
        )
        checks = []
        for part in (0.3, 0.5, 0.7):
            pages = int(full.per_second * part)
            poll = functools.partial(
                wait_in_pages, page, [long], pages, bench.times(10, 3)
            )
            tally, cost, redis_cost = meter.per_poll(poll)
            checks.append(
                Check(pages, tally.per_second, cost, redis_cost, tally.latencies)
            )
        start, redis_job = _job(page, meter, bench.times(200, 20), web, redis)
    with serving() as servers:
        deployment = servers.start(_OURS, workers=1, celery=("-c", "1"))
        meter = Meter(servers, deployment)
        page = page_of(deployment)
        work = _work(page, meter, bench.times(200, 20))
    with serving() as servers:
        deployment = servers.start(_OURS, backend="fastapi", celery=_THREADS)
        meter = Meter(servers, deployment)
        page = page_of(deployment)
        long = page.start(1, seconds=900)
        _, news, _ = meter.per_poll(
            lambda: saturate(page, [long], 16, bench.times(10, 3))
        )
    pages = bench.times(1000, 100)
    hold = measure_crowd(bench, _OURS, pages).cpu / 100 / pages
    costs = Costs(
        start=start,
        poll=web,
        hold=hold,
        news=news,
        redis_poll=redis,
        redis_job=redis_job,
        work=work,
        shape=shape,
    )
    return costs, checks


class Meter:
    """Counts the CPU seconds of the parts of a deployment."""

    def __init__(self, servers: Servers, deployment: Deployment) -> None:
        self._deployment = deployment
        self._redis = servers.redis().pid

    def web(self) -> float:
        return self._deployment.server_cpu()

    def redis(self) -> float:
        return cpu_seconds(self._redis)

    def workers(self) -> float:
        return sum(
            cpu_seconds(process.pid)
            for worker in self._deployment.workers
            for process in worker.processes()
        )

    def per_poll(self, load: Callable[[], Tally]) -> tuple[Tally, float, float]:
        """Return what polls were like, and CPU seconds of web and Redis for each."""
        web, redis = self.web(), self.redis()
        tally = load()
        count = len(tally.latencies)
        return tally, (self.web() - web) / count, (self.redis() - redis) / count


def _shape(page: Page, job: Job, count: int) -> list[float]:
    """Return the times of polls one after the other, divided by their mean."""

    async def poll() -> list[float]:
        connection = Connection(page.url)
        data, times = poll_request(page, job), []
        for _ in range(count):
            start = time.perf_counter()
            await connection.send(data)
            times.append(time.perf_counter() - start)
        connection.close()
        return times

    times = asyncio.run(poll())
    return [each / mean(times) for each in times]


def _job(
    page: Page, meter: Meter, count: int, poll: float, redis_poll: float
) -> tuple[float, float]:
    """Return CPU seconds of web and Redis for a job, without its polls."""
    for number in range(10):
        page.run(number)
    page.traffic.requests = 0
    web, redis = meter.web(), meter.redis()
    for number in range(count):
        page.run(number)
    polls = page.traffic.requests / count - 1
    return (
        (meter.web() - web) / count - polls * poll,
        (meter.redis() - redis) / count - polls * redis_poll,
    )


def _work(page: Page, meter: Meter, count: int) -> float:
    """Return CPU seconds of a worker for a job that does nothing."""
    for number in range(10):
        page.run(number)
    before = meter.workers()
    for number in range(count):
        page.run(number)
    return (meter.workers() - before) / count
