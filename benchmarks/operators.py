"""The page of operators: how soon it shows jobs, and what its looks cost the server."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

from dash_long_components.admin.long_job_admin import PAGE_SIZE

from .browser import browsing
from .rows import Bench, Row
from .servers import Deployment

#: Jobs of a large app, and of one whose page is half full.
MANY, FEW = 10_000, 10

#: Milliseconds until the first rows, and how much longer than a page with a grid.
SHOWN, MOST = 1000, 2

#: How much more a look costs among many jobs.
LOOK = 1.5


def measure(bench: Bench) -> None:
    _measure_loads(bench)
    for manager in ("diskcache", "celery"):
        _measure_looks(bench, manager)


def _measure_loads(bench: Bench) -> None:
    """Time how long pages take until they show what they are for."""
    with bench.servers() as servers, browsing() as browser:
        pages = {
            "operators": servers.page("operators", jobs=MANY),
            "grid": servers.page("grid"),
            "empty": servers.page("empty"),
        }
        browser.watch(".shown, .ag-center-cols-container [col-id='status']")
        for deployment in pages.values():
            browser.load(deployment.url)  # the scripts are in the cache from now on
        samples = bench.alternate(
            pages, bench.times(20, 4), lambda name: [browser.load(pages[name].url)]
        )
    names = {
        "operators": f"a page of operators with {MANY:,} jobs: load to first rows",
        "grid": "a page with one dash-ag-grid of 100 rows: the same",
        "empty": "a page of Dash with one word: the same",
    }
    for name, what in names.items():
        row = Row(what, "diskcache" if name == "operators" else "", "ms", samples[name])
        row.digits = 0
        if name == "operators":
            row.expect_at_most(SHOWN)
            row.expect_within(MOST, samples["grid"], "a page with one grid")
        row.note = "From the start of the navigation, with scripts in the cache."
        bench.add(row)


def _measure_looks(bench: Bench, manager: str) -> None:
    """Measure the CPU time of a look, which has one page of jobs at most."""
    with bench.servers() as servers:
        deployments = {
            count: servers.page("operators", manager, jobs=count)
            for count in (MANY, PAGE_SIZE, FEW)
        }
        for deployment in deployments.values():
            _look(deployment, 5)
        samples = bench.alternate(
            deployments,
            bench.times(10, 3),
            lambda count: [_look(deployments[count], bench.times(100, 20))],
        )
    what = f"CPU of a look of operators among {MANY:,} jobs"
    row = Row(what, manager, "ms", samples[MANY])
    row.expect_within(LOOK, samples[PAGE_SIZE], f"among {PAGE_SIZE}")
    row.expect_within(LOOK, samples[FEW], f"among {FEW}")
    row.note = f"{PAGE_SIZE} rows. Among {FEW} jobs the answer has {FEW}."
    bench.add(row)


def _look(deployment: Deployment, times: int) -> float:
    """Return the milliseconds of CPU that the server takes for a look."""
    connection = http.client.HTTPConnection(urlsplit(deployment.url).netloc)
    body = json.dumps({"look": {"start": 0, "count": PAGE_SIZE}})
    before = deployment.server_cpu()
    for _ in range(times):
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/_dash-long-jobs/admin", body, headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"A look: {answer.status} {answer.read()!r}")
        answer.read()
    connection.close()
    return 1000 * (deployment.server_cpu() - before) / times
