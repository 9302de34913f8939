"""Click to result, in a real browser."""

from __future__ import annotations

import inspect

import dash_long_components

from .browser import Browser, browsing
from .rows import Bench, Row, Sample, both
from .servers import KINDS, Deployment, Kind

#: Seconds that the import of an app takes, and milliseconds for its first click.
IMPORT, FIRST = 4, 150


def measure_first(bench: Bench) -> None:
    """Time the first click after a start on each backend, and on Celery."""
    for backend in ("flask", "fastapi", "quart"):
        _first(bench, Kind("ours", "diskcache"), backend)
    for backend in ("flask", "fastapi"):
        _first(bench, Kind("ours", "celery"), backend)


def _first(bench: Bench, kind: Kind, backend: str) -> None:
    """Time it while the dispatcher imports the app, or while no worker is there yet."""
    sample = Sample()
    for _ in range(bench.times(6, 2)):
        with bench.servers() as servers, browsing() as browser:
            deployment = servers.start(
                kind, backend=backend, celery=None, import_seconds=IMPORT, view=True
            )
            browser.open(deployment.url)
            took, _requests = browser.click("run", "view", "Starting…")
            sample.values.append(took)
            if kind.manager == "celery":
                servers.add_worker(deployment)
            # The result comes without another click.
            browser.wait_for_text("out")
    what = f'first click after a start to "Starting…", an app of {IMPORT} s import'
    if backend != "flask":
        name = {"fastapi": "FastAPI", "quart": "Quart"}[backend]
        what = f"{name}: {what}"
    row = Row(what, kind.manager, "ms", sample, digits=0)
    row.expect_at_most(FIRST)
    bench.add(row)


def measure(bench: Bench) -> None:
    with bench.servers() as servers, browsing() as browser:
        deployments = [servers.start(kind) for kind in KINDS]
        _nothing(bench, browser, deployments)
    caching = inspect.signature(dash_long_components.DiskcacheLongCallbackManager)
    if "cache_by" in caching.parameters:
        with bench.servers() as servers, browsing() as browser:
            deployments = [servers.start(kind, cached=True) for kind in KINDS]
            _hit(bench, browser, deployments)


def _nothing(bench: Bench, browser: Browser, deployments: list[Deployment]) -> None:
    ordinary = {deployment: Sample() for deployment in deployments}
    requests = {deployment: Sample() for deployment in deployments}

    def visit(deployment: Deployment) -> list[float]:
        browser.open(deployment.url)
        for _ in range(2):  # the first click starts processes
            browser.click("run", "out")
            browser.click("run-ordinary", "out-ordinary")
        values = []
        for _ in range(bench.times(8, 2)):
            took, sent = browser.click("run", "out")
            values.append(took)
            requests[deployment].values.append(sent)
            took, _ = browser.click("run-ordinary", "out-ordinary")
            ordinary[deployment].values.append(took)
        return values

    samples = bench.alternate(deployments, bench.times(4, 2), visit)
    for manager in ("diskcache", "celery"):
        ours, native = both(samples, manager)
        plain, plain_native = both(ordinary, manager)
        what = "click to result, a job that does nothing"
        row = Row(what, manager, "ms", ours, native, digits=0)
        row.expect_ratio(15)
        row.expect_within(5, plain, "an ordinary callback")
        bench.add(row)
        what = "an ordinary callback beside it"
        bench.add(Row(what, manager, "ms", plain, plain_native, digits=1))
        sent, sent_native = both(requests, manager)
        what = "requests of that click"
        bench.add(Row(what, manager, "", sent, sent_native, digits=0))


def _hit(bench: Bench, browser: Browser, deployments: list[Deployment]) -> None:
    """Time clicks whose result is in the cache; each page's first click is the same."""
    ordinary = {deployment: Sample() for deployment in deployments}
    requests = {deployment: Sample() for deployment in deployments}

    def visit(deployment: Deployment) -> list[float]:
        values = []
        for _ in range(bench.times(6, 2)):
            browser.open(deployment.url)
            took, sent = browser.click("run", "out")
            values.append(took)
            requests[deployment].values.append(sent)
            took, _ = browser.click("run-ordinary", "out-ordinary")
            ordinary[deployment].values.append(took)
        return values

    for deployment in deployments:
        browser.open(deployment.url)
        browser.click("run", "out")
    samples = bench.alternate(deployments, bench.times(4, 2), visit)
    for manager in ("diskcache", "celery"):
        ours, native = both(samples, manager)
        row = Row("click to result, a cache hit", manager, "ms", ours, native, digits=1)
        row.expect_within(1.3, both(ordinary, manager)[0], "an ordinary callback")
        sent, _ = both(requests, manager)
        row.expect("one request", max(sent.values) == 1)
        row.note = "The first clicks of a page that was just loaded."
        bench.add(row)
