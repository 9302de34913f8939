"""The cost of a poll, for the server and the network."""

from __future__ import annotations

import http.client
import time

import psutil

from tests.conftest import AppProcess

from .machine import cpu_seconds
from .pages import Job, Page, Traffic, page_of
from .rows import Bench, Row, Sample, both
from .servers import KINDS, Deployment

#: Celery's worker runs jobs in threads: polls are measured here, not workers.
_MANY = ("-P", "threads", "-c", "110")


def measure(bench: Bench) -> None:
    for count in (1, 10, 100):
        with bench.servers() as servers:
            deployments = [
                servers.start(
                    kind,
                    manager={"max_concurrency": 110} if kind.is_ours else {},
                    celery=_MANY,
                )
                for kind in KINDS
            ]
            _cpu(bench, servers.bare(), deployments, count)
    with bench.servers() as servers:
        for size in (100, 10_000, 1_000_000):
            for kind in KINDS[:2]:
                _body(bench, servers.start(kind, state=size, pattern=True), size)


def _open(deployment: Deployment, count: int) -> tuple[Page, list[Job]]:
    """Open a page and start jobs that outlive the measurement."""
    page = page_of(deployment)
    jobs = [page.start(clicks=number, seconds=600) for number in range(count)]
    for _ in range(30):
        page.poll(*jobs)
    return page, jobs


def _cpu(
    bench: Bench, bare: AppProcess, deployments: list[Deployment], count: int
) -> None:
    pages = {deployment: _open(deployment, count) for deployment in deployments}
    ticks = bench.times(400, 60) if count == 1 else bench.times(400, 60) // count + 5

    def tick(contender: Deployment | AppProcess) -> list[float]:
        if isinstance(contender, AppProcess):
            return [_constant(contender, bench.times(400, 100))]
        page, jobs = pages[contender]
        before = contender.server_cpu()
        for _ in range(ticks):
            page.poll(*jobs)
        return [(contender.server_cpu() - before) / ticks * 1000]

    contenders: list[Deployment | AppProcess] = [bare, *deployments]
    samples = bench.alternate(contenders, bench.times(8, 3), tick)
    constant = samples[bare]
    cpu = {contender: samples[contender] for contender in deployments}
    for deployment, sample in cpu.items():
        bench.point("server CPU of a tick (ms)", deployment.kind, count, sample.median)
    for manager in ("diskcache", "celery"):
        ours, native = both(cpu, manager)
        jobs = "one job" if count == 1 else f"{count} jobs on a page"
        row = Row(f"server CPU of a tick, {jobs}", manager, "ms", ours, native)
        if count == 1:
            row.expect_ratio(2)
            row.expect_within(1.5, constant, "a bare Flask route")
            row.note = (
                f"The bare route took {constant.median:.2f} ms; docs/scaling.md says "
                "where the rest goes."
            )
        if count == 10:
            row.expect_ratio(10)
        bench.add(row)
        traffic = [
            _traffic(*pages[deployment])
            for deployment in deployments
            if deployment.kind.manager == manager
        ]
        ours, native = (Sample([item.requests]) for item in traffic)
        row = Row(f"requests of a tick, {jobs}", manager, "", ours, native, digits=0)
        row.expect_at_most(1)
        bench.add(row)


def _constant(bare: AppProcess, count: int) -> float:
    """Return ms of CPU for a request to a Flask route that answers constant JSON."""
    pids = [child.pid for child in psutil.Process(bare.pid).children()]
    connection = http.client.HTTPConnection("127.0.0.1", bare.port)
    body, headers = b"x" * 65, {"Content-Type": "application/json"}
    before = sum(map(cpu_seconds, pids))
    for _ in range(count):
        connection.request("POST", "/", body, headers)
        connection.getresponse().read()
    connection.close()
    return (sum(map(cpu_seconds, pids)) - before) / count * 1000


def _traffic(page: Page, jobs: list[Job]) -> Traffic:
    """Return what one tick without news sends."""
    for _ in range(2):  # the first one returns the news
        page.traffic = Traffic()
        page.poll(*jobs)
    return page.traffic


def _body(bench: Bench, deployment: Deployment, size: int) -> None:
    page = page_of(deployment, state="x" * size, pattern=True)
    page.run()
    job = page.start(clicks=2, seconds=60)
    time.sleep(1)  # it runs by then; a queued job's place would be news each time
    traffic = _traffic(page, [job])
    bench.point("bytes up of a poll", deployment.kind, size, traffic.up)
    key = f"bytes of a poll without news, {size:,} bytes in a State with ALL"
    if deployment.kind.is_ours:
        row = Row(f"{key}, up", "", "bytes", Sample([traffic.up]), digits=0)
        row.expect_at_most(150)
        bench.rows.append(row)
        row = Row(f"{key}, down", "", "bytes", Sample([traffic.down]), digits=0)
        row.expect_at_most(100)
        bench.rows.append(row)
    else:
        up, down = bench.rows[-2:]
        up.native, down.native = Sample([traffic.up]), Sample([traffic.down])
        for row in (up, down):
            bench.rows.remove(row)
            bench.add(row)
