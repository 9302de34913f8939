"""Chaos: jobs that save checkpoints, while their processes are killed at random."""

from __future__ import annotations

import math
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.integration.page import Job, Page
from tests.integration.servers import is_alive, until_gone


@dataclass
class Account:
    """What has happened.

    Attributes:
        statuses: of the jobs at their end.
        results: of the jobs that have one.
        steps: how often each step of each job was done.
        kills: how often a process of each job was killed, or what had started it.
        after: seconds from the stop of the kills to the last end; 0 if they went on.
    """

    statuses: list[str]
    results: list[object]
    steps: Counter[tuple[int, int]]
    kills: Counter[int]
    after: float

    def check(self, jobs: int, steps: int) -> None:
        """Check that nothing is missing, and that little was done twice."""
        assert self.statuses == ["succeeded"] * jobs, Counter(self.statuses)
        assert self.results == [sum(range(steps))] * jobs
        assert self.steps.keys() == {(j, s) for j in range(jobs) for s in range(steps)}
        for job in range(jobs):
            repeated = sum(self.steps[job, step] - 1 for step in range(steps))
            assert repeated <= self.kills[job], (job, repeated, self.kills[job])


def run(
    page: Page,
    ledger: Path,
    *,
    jobs: int,
    steps: int,
    seconds: float,
    interval: float,
    timeout: float,
    task: str = "chaos",
    kill_main: Callable[[], None] | None = None,
    kill_for: float = math.inf,
) -> Account:
    """Run jobs, and kill a process that runs one, again and again.

    Args:
        page: starts the jobs.
        ledger: a file for the steps.
        jobs: how many.
        steps: of each job.
        seconds: that a step takes.
        interval: seconds between two kills.
        timeout: seconds for all of it.
        task: which long callback.
        kill_main: kills the process that starts those of jobs, and sees that there is
            another. Every fifth kill is that; by default none is.
        kill_for: seconds after which the kills stop.
    """
    given = {"ledger": str(ledger), "steps": steps, "seconds": seconds}
    started = [page.start(task, {**given, "job": n}) for n in range(jobs)]
    kills: Counter[int] = Counter()
    end = time.monotonic() + timeout
    next_kill = time.monotonic() + interval
    last_kill = time.monotonic() + kill_for
    numbers = count(1)
    while live := [job for job in started if not job.has_ended]:
        assert time.monotonic() < end, [job.status for job in live]
        page.poll(*live)
        if next_kill <= time.monotonic() < last_kill:
            next_kill += interval
            if kill_main is not None and next(numbers) % 5 == 0:
                # Its jobs may all run again.
                kills.update(_running(ledger).values())
                kill_main()
            else:
                kills.update(_kill_one(ledger))
        time.sleep(0.02)
    done = [(int(job), int(step)) for job, step, _pid in _lines(ledger)]
    results = [_result(job) for job in started]
    statuses = [job.status for job in started]
    after = max(0.0, time.monotonic() - last_kill)
    return Account(statuses, results, Counter(done), kills, after)


def _kill_one(ledger: Path) -> list[int]:
    """Kill a process that runs jobs, and return the number of the job that it ran."""
    living = _running(ledger)
    if not living:
        return []
    victim = random.choice([*living])
    with suppress(ProcessLookupError):
        os.kill(victim, signal.SIGKILL)
    until_gone(lambda: [pid for pid in (victim,) if is_alive(pid)])
    # A process of Celery's pool has run several: the last one, now that it is dead.
    ran = [int(job) for job, _step, pid in _lines(ledger) if int(pid) == victim]
    return ran[-1:]


def _running(ledger: Path) -> dict[int, int]:
    """Return the living processes that have run jobs, and the last job of each."""
    ran = {int(pid): int(job) for job, _step, pid in _lines(ledger)}
    return {pid: job for pid, job in ran.items() if is_alive(pid)}


def _lines(ledger: Path) -> list[list[str]]:
    lines = ledger.read_text().splitlines() if ledger.exists() else []
    return [parts for line in lines if len(parts := line.split()) == 3]


def _result(job: Job) -> object:
    return job.result if job.status == "succeeded" else None
