"""The rows of the comparison, each measured with all contenders."""

from __future__ import annotations

import os
import re
import signal
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from selenium.common.exceptions import WebDriverException

from ..machine import cpu_seconds
from ..rows import Sample
from .contenders import CONTENDERS, Deployment, serving
from .page import Browser, browsing

#: How many pages have a job at the same time.
PAGES = 20


@dataclass(frozen=True)
class Row:
    """A line of the table: a cell for each contender, by its name."""

    what: str
    cells: dict[str, str]


def clicks(folder: Path) -> list[Row]:
    """Time an empty job and an ordinary interaction, A B A B."""
    jobs, plain = _samples(), _samples()
    with serving(CONTENDERS, folder) as deployments, browsing() as browser:
        for turn in range(5):
            order = deployments if turn % 2 == 0 else deployments[::-1]
            for deployment in order:
                browser.open(deployment.url)
                name = deployment.contender.name
                # The first click starts processes, or connects.
                for _ in range(2):
                    browser.click("Run", "done")
                    browser.click("Ordinary", "pong")
                for _ in range(6):
                    jobs[name].values.append(browser.click("Run", "done")[0])
                    plain[name].values.append(browser.click("Ordinary", "pong")[0])
    return [
        Row("click to result, a job that does nothing", _milliseconds(jobs)),
        Row("an ordinary interaction beside it", _milliseconds(plain)),
    ]


def progress(folder: Path) -> list[Row]:
    """Time a call that reports progress, inside of the job."""
    costs = _samples()
    with serving(CONTENDERS, folder, calls=1000) as deployments, browsing() as browser:
        for deployment in deployments:
            browser.open(deployment.url)
            for _ in range(3):
                figure = browser.click("Run", "done")[1]
                costs[deployment.contender.name].values.append(figure)
    cells = {name: f"{sample.median:,.1f} µs" for name, sample in costs.items()}
    return [Row("a call that reports progress", cells)]


def reload(folder: Path) -> list[Row]:
    """Look whether a job's result comes to a page that was reloaded meanwhile."""
    cells = {}
    with serving(CONTENDERS, folder, seconds=4) as deployments, browsing() as browser:
        for deployment in deployments:
            browser.open(deployment.url)
            browser.press("Run")
            time.sleep(1)
            browser.reload()
            comes = browser.wait_for_report("done", 15)
            cells[deployment.contender.name] = "comes" if comes else "is lost"
    return [Row("the result of a job, after a reload of its page", cells)]


def crowd(folder: Path) -> list[Row]:
    """Start a job in each of many pages, and click in another one meanwhile."""
    seconds = 2
    total: dict[str, str] = {}
    lost: dict[str, str] = {}
    meanwhile = _samples()
    for contender, deployment, browser in _each(folder, seconds=seconds):
        browser.open_frames(deployment.url, PAGES + 1)
        start = _press_in_all(browser)
        waiting = set(range(PAGES))
        while waiting and time.monotonic() < start + 60:
            for number in sorted(waiting):
                browser.enter(number)
                if browser.has_report("done"):
                    waiting.remove(number)
            took = time.monotonic() - start
            if waiting:
                browser.enter(PAGES)
                meanwhile[contender].values.append(browser.click("Ordinary", "pong")[0])
        total[contender] = "" if waiting else f"{took:.1f} s"
        lost[contender] = str(len(waiting))
    what = f"{PAGES} pages with a job of {seconds} s each"
    return [
        Row(f"{what}: all done", total),
        Row(f"{what}: without a result after 60 s", lost),
        Row(f"{what}: an ordinary interaction meanwhile", _milliseconds(meanwhile)),
    ]


def waiting(folder: Path) -> list[Row]:
    """Measure what a page costs all processes of its server while its job runs."""
    cpu: dict[str, str] = {}
    processes: dict[str, str] = {}
    for contender, deployment, browser in _each(folder, seconds=60):
        browser.open_frames(deployment.url, PAGES)
        _press_in_all(browser)
        # What follows a start is over then.
        time.sleep(5)
        before, began = _cpu(deployment), time.monotonic()
        time.sleep(10)
        spent = _cpu(deployment) - before
        took = time.monotonic() - began
        cpu[contender] = f"{100 * spent / took / PAGES:.2f} %"
        processes[contender] = str(len(deployment.server.processes()))
    return [
        Row(f"CPU of the server for a page with a job, of {PAGES}", cpu),
        Row("processes of the server meanwhile", processes),
    ]


def kill(folder: Path) -> list[Row]:
    """Kill the process that runs a job, and read what the page says."""
    seen: dict[str, str] = {}
    goes_on: dict[str, str] = {}
    pids = folder / "pids"
    pids.mkdir(parents=True)
    for contender, deployment, browser in _each(folder, seconds=60, pids=str(pids)):
        for old in pids.iterdir():
            old.unlink()
        browser.open(deployment.url)
        browser.press("Run")
        known = _watch(browser, lambda: any(pids.iterdir()), 30)
        known |= _watch(browser, lambda: False, 3)
        (file,) = pids.iterdir()
        os.kill(int(file.name), signal.SIGKILL)
        start = time.monotonic()
        fresh: set[str] = set()
        while not fresh and time.monotonic() < start + 30:
            fresh = _lines(browser) - known
            time.sleep(0.1)
        after = time.monotonic() - start
        words = " · ".join(sorted(fresh, key=len, reverse=True))
        said = textwrap.shorten(words, 80, placeholder="…")
        text = f"“{said}” after {after:.1f} s" if fresh else "nothing in 30 s"
        seen[contender] = text
        try:
            browser.click("Ordinary", "pong")
            goes_on[contender] = "yes"
        except WebDriverException:
            goes_on[contender] = "no"
    return [
        Row("what a page says after a kill of the process that runs its job", seen),
        Row("its other interactions go on", goes_on),
    ]


MEASURES: dict[str, Callable[[Path], list[Row]]] = {
    measure.__name__: measure
    for measure in (clicks, progress, reload, crowd, waiting, kill)
}


def _each(folder: Path, **work: object) -> Iterator[tuple[str, Deployment, Browser]]:
    """Yield each contender's name, alone on the machine, with a browser of its own."""
    for number, contender in enumerate(CONTENDERS):
        home = folder / f"{contender.name}-{number}"
        with serving([contender], home, **work) as (deployment,), browsing() as browser:
            yield contender.name, deployment, browser


def _press_in_all(browser: Browser) -> float:
    """Click in the first ``PAGES`` frames, and return when that began."""
    start = time.monotonic()
    for number in range(PAGES):
        browser.enter(number)
        browser.press("Run")
    return start


def _cpu(deployment: Deployment) -> float:
    """Return the CPU seconds of all processes of a server so far."""
    spent = 0.0
    for process in deployment.server.processes():
        with suppress(psutil.Error, OSError):
            spent += cpu_seconds(process.pid)
    return spent


def _lines(browser: Browser) -> set[str]:
    """Return the texts of a page, with all numbers alike: clocks are no news."""
    return {re.sub(r"\d+", "#", text) for text in browser.texts()}


def _watch(browser: Browser, is_over: Callable[[], bool], seconds: float) -> set[str]:
    """Return all texts that a page shows meanwhile."""
    lines: set[str] = set()
    end = time.monotonic() + seconds
    while not is_over() and time.monotonic() < end:
        lines |= _lines(browser)
        time.sleep(0.1)
    return lines


def _samples() -> dict[str, Sample]:
    return {contender.name: Sample() for contender in CONTENDERS}


def _milliseconds(samples: dict[str, Sample]) -> dict[str, str]:
    return {
        name: f"{median(sample.values):,.0f} ms (p95 {sample.p95:,.0f})"
        for name, sample in samples.items()
        if sample.values
    }
