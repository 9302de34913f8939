"""``python -m benchmarks.simulation``: measure the costs, and simulate larger sites.

Prints the tables of ``docs/scaling.md`` and draws its plot. Takes three minutes.
"""

from __future__ import annotations

import argparse
import signal
import sys
from dataclasses import replace
from statistics import median

import matplotlib as mpl

from tests.conftest import ROOT

from ..machine import describe, quantile
from ..rows import Bench
from .costs import Check, measure
from .model import Costs, Load, Site, capacity, enough, response_times

mpl.use("svg")
from matplotlib import pyplot

PLOT = ROOT / "docs" / "simulation.svg"

#: How pages wait, by the name in tables: the seconds between two polls.
WAYS = {"Flask": 1.0, "Flask, interval=5000": 5.0, "FastAPI": None}

#: Waiting pages, and jobs per second.
SIZES = [(10_000, 100), (10_000, 1_000), (1_000_000, 1_000)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation")
    parser.add_argument("--quick", action="store_true", help="fewer of everything")
    bench = Bench(quick=parser.parse_args().quick)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("Stopped."))
    costs, checks = measure(bench)
    print(describe(), bench.noise, "", sep="\n")
    print(table(["cost", "ms of CPU"], cost_rows(costs)))
    print(table(_CHECK_HEAD, [check_row(check, costs) for check in checks]))
    print(
        table(
            _SITE_HEAD, [site_row(*size, way, costs) for size in SIZES for way in WAYS]
        )
    )
    draw(costs)


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), ""])


def cost_rows(costs: Costs) -> list[list[str]]:
    named = {
        "web process on Flask: a poll": costs.poll,
        "web process: a click that starts a job": costs.start,
        "FastAPI: a page that waits, per second": costs.hold,
        "FastAPI: a poll that is answered with news": costs.news,
        "Redis: a poll": costs.redis_poll,
        "Redis: a job": costs.redis_job,
        "worker: a job that does nothing": costs.work,
    }
    return [[name, f"{seconds * 1000:.3f}"] for name, seconds in named.items()]


_CHECK_HEAD = [
    "pages that poll once a second, one web process",
    "CPU of the web process",
    "a poll, measured",
    "a poll, simulated",
    "p95, measured",
    "p95, simulated",
]


def check_row(check: Check, costs: Costs) -> list[str]:
    """Compare what two cores can show with the simulation."""
    web = response_times(check.rate, check.cost, costs.shape)
    redis = response_times(check.rate, check.redis_cost, costs.shape)
    simulated = (web + redis).tolist()
    figures = [
        median(check.latencies),
        median(simulated),
        quantile(check.latencies, 0.95),
        quantile(simulated, 0.95),
    ]
    return [
        f"{check.pages:,}",
        f"{100 * check.rate * check.cost:.0f} %",
        *(f"{1000 * figure:.1f} ms" for figure in figures),
    ]


_SITE_HEAD = [
    "waiting pages",
    "jobs per second",
    "pages wait on",
    "web processes",
    "Redis",
    "CPUs of workers beside the jobs",
    "a poll, p99",
    "then add",
]


def site_row(pages: int, jobs: int, way: str, costs: Costs) -> list[str]:
    """Tell what a size needs, and which part is the next to saturate."""
    site = Site(pages=pages, jobs=jobs, web=1, interval=WAYS[way])
    load = Load(enough(site, costs), costs)
    return [
        f"{pages:,}",
        f"{jobs:,}",
        way,
        f"{load.site.web:,}",
        f"{load.site.redis:,}",
        f"{load.workers:,.1f}",
        f"{1000 * load.latency(0.99):.0f} ms",
        load.bottleneck(),
    ]


def draw(costs: Costs) -> None:
    """Draw how many pages a number of web processes serves, by the number of Redis."""
    mpl.rcParams["svg.hashsalt"] = "the same at every run"
    figure, plot = pyplot.subplots(figsize=(7, 4.2))
    processes = [2**power for power in range(11)]
    colours = dict(zip(WAYS, ("tab:orange", "tab:green", "tab:blue"), strict=True))
    for way, interval in WAYS.items():
        for redis, line in ((1, "-"), (8, "--")):
            site = Site(pages=1, jobs=0, web=1, redis=redis, interval=interval)
            plot.plot(
                processes,
                [capacity(replace(site, web=web), costs) for web in processes],
                line,
                color=colours[way],
                label=f"{way}, {redis} Redis",
            )
    plot.set_xscale("log", base=2)
    plot.set_yscale("log")
    plot.set_xlabel("web processes")
    plot.set_ylabel("waiting pages with a job of a minute each")
    plot.grid(alpha=0.3)
    plot.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(PLOT, metadata={"Date": None})
    pyplot.close(figure)


if __name__ == "__main__":
    main()
