"""Times of jobs: their start, their progress and their result."""

from __future__ import annotations

import http.client
import time

from .pages import Page, page_of
from .rows import Bench, Row, Sample, both
from .servers import KINDS, Deployment, Kind

#: The import of the app takes a second, and the server holds a gigabyte.
IMPORT_SECONDS, SERVER_MB = 1.0, 1000


def measure_starts(bench: Bench) -> None:
    with bench.servers() as servers:
        deployments = [
            servers.start(kind, import_seconds=IMPORT_SECONDS, workers=1)
            for kind in KINDS
        ]
        spawning = servers.start(
            KINDS[0],
            import_seconds=IMPORT_SECONDS,
            workers=1,
            manager={"start_method": "spawn"},
        )
        pages = {each: page_of(each) for each in (*deployments, spawning)}
        for megabytes in (0, bench.times(SERVER_MB, 100)):
            for each in pages:
                _grow(each, megabytes)
            samples = _first_lines(bench, deployments, pages)
            _add_starts(bench, samples, megabytes)
        (sample,) = _first_lines(bench, [spawning], pages, rounds=2).values()
        what = "request to first line, start_method=spawn"
        row = Row(what, "diskcache", "ms", sample)
        row.digits = 0
        row.note = "Every job imports the app again, which takes a second here."
        bench.add(row)


def _grow(deployment: Deployment, megabytes: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", deployment.web.port)
    connection.request("GET", f"/grow/{megabytes}")
    connection.getresponse().read()
    connection.close()


def _first_lines(
    bench: Bench,
    deployments: list[Deployment],
    pages: dict[Deployment, Page],
    rounds: int | None = None,
) -> dict[Deployment, Sample]:
    clicks = iter(range(1, 10**6))

    def click(deployment: Deployment) -> list[float]:
        values = []
        for _ in range(5):
            clicked = time.time()
            result = pages[deployment].result(next(clicks))
            values.append((result["began"] - clicked) * 1000)
        return values

    for deployment in deployments:
        pages[deployment].run(next(clicks))
    return bench.alternate(deployments, rounds or bench.times(5, 2), click)


def _add_starts(
    bench: Bench, samples: dict[Deployment, Sample], megabytes: int
) -> None:
    for manager in ("diskcache", "celery"):
        what = f"request to first line, {megabytes / 1000:g} GB in the server"
        row = Row(what, manager, "ms", *both(samples, manager), digits=1)
        row.expect_at_most(12)
        bench.add(row)


def measure_progress(bench: Bench) -> None:
    with bench.servers() as servers:
        deployments = [servers.start(kind, celery=("-c", "1")) for kind in KINDS]
        pages = {deployment: page_of(deployment) for deployment in deployments}
        calls = bench.times(100_000, 20_000)
        clicks = iter(range(1, 10**6))

        def tight(deployment: Deployment) -> list[float]:
            # A native call takes so long that fewer calls are enough.
            count = calls if deployment.kind.is_ours else calls // 10
            result = pages[deployment].result(next(clicks), calls=count)
            return [(result["call"] - result["plain"]) * 1e6]

        samples = bench.alternate(deployments, bench.times(5, 2), tight)
        for manager in ("diskcache", "celery"):
            ours, native = both(samples, manager)
            what = "a call of set_progress, in a tight loop"
            row = Row(what, manager, "µs", ours, native)
            row.expect_at_most(3)
            bench.add(row)

        def working(deployment: Deployment) -> list[float]:
            result = pages[deployment].result(
                next(clicks), calls=bench.times(20_000, 5000), turn=1e-4
            )
            return [(result["call"] / result["plain"] - 1) * 100]

        samples = bench.alternate(deployments, bench.times(3, 2), working)
        for manager in ("diskcache", "celery"):
            ours, native = both(samples, manager)
            what = "what set_progress adds to a loop of 100 µs a turn"
            row = Row(what, manager, "%", ours, native, digits=1)
            row.expect_at_most(5)
            bench.add(row)


def measure_results(bench: Bench) -> None:
    with bench.servers() as servers:
        deployments = [servers.start(kind) for kind in KINDS]
        pages = {deployment: page_of(deployment) for deployment in deployments}
        clicks = iter(range(1, 10**6))
        for size in (1000, 100_000, 1_000_000, 10_000_000):
            ordinary: list[float] = []

            def fetch(
                deployment: Deployment,
                size: int = size,
                ordinary: list[float] = ordinary,
            ) -> list[float]:
                page = pages[deployment]
                start = time.perf_counter()
                page.ordinary(bytes=size)
                between = time.perf_counter()
                page.result(next(clicks), bytes=size)
                end = time.perf_counter()
                ordinary.append((between - start) * 1000)
                return [(end - between) * 1000]

            samples = bench.alternate(deployments, bench.times(8, 2), fetch)
            curve = "click to result (ms)"
            bench.point(curve, "ordinary callback", size, Sample(ordinary).median)
            for deployment, sample in samples.items():
                bench.point(curve, deployment.kind, size, sample.median)
            if size == 10_000_000:
                _add_results(bench, samples, Sample(ordinary))


def _add_results(
    bench: Bench, samples: dict[Deployment, Sample], ordinary: Sample
) -> None:
    for manager in ("diskcache", "celery"):
        row = Row("click to a result of 10 MB", manager, "ms", *both(samples, manager))
        row.digits = 0
        row.expect_within(1.5, ordinary, "an ordinary callback")
        row.note = (
            f"An ordinary callback took {ordinary.median:.0f} ms; docs/scaling.md says "
            "where the rest goes."
        )
        bench.add(row)


def measure_memory(bench: Bench) -> None:
    """Measure what a live job adds to the memory of the server's processes."""
    found: dict[Kind, Sample] = {}
    few = 20
    for kind in KINDS:
        with bench.servers() as servers:
            options = {"max_concurrency": 2} if kind.is_ours else {}
            deployment = servers.start(kind, manager=options)
            page = page_of(deployment)
            _follow(page, few)
            before = deployment.server_memory()
            # A native job on Diskcache is a process: a few of them are enough.
            is_process = not kind.is_ours and kind.manager == "diskcache"
            count = few if is_process else bench.times(500, 100)
            _follow(page, count)
            grown = deployment.server_memory() - before
            found[kind] = Sample([max(0, grown) / count / 1000])
    for manager in ("diskcache", "celery"):
        ours, native = (found[kind] for kind in KINDS if kind.manager == manager)
        row = Row("memory of the server per live job", manager, "kB", ours, native)
        row.expect_at_most(20)
        row.digits = 1
        bench.add(row)


def _follow(page: Page, count: int) -> None:
    """Start jobs and poll until every server process knows them."""
    jobs = [page.start(number, seconds=300) for number in range(count)]
    for _ in range(5):
        page.poll(*jobs)
