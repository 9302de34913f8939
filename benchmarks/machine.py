"""The machine of the measurements, and how quiet it was."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from statistics import median

import psutil

PACKAGES = ("dash", "flask", "gunicorn", "diskcache", "celery", "redis")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process so far, in seconds; exact, unlike /proc's."""
    return time.clock_gettime((~pid) << 3 | 2)


def quantile(values: Sequence[float], part: float) -> float:
    """Return the value below which a part of the values is."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


@dataclass
class Noise:
    """A fixed piece of work, timed between all measurements.

    On a quiet machine it always takes the same time. If it takes longer, the figures
    beside it may be wrong by as much.
    """

    times: list[float] = field(default_factory=list)

    def sample(self) -> None:
        start = time.perf_counter()
        total = 0
        for number in range(200_000):
            total += number
        self.times.append(time.perf_counter() - start)

    def __str__(self) -> str:
        typical, slow = median(self.times) * 1000, quantile(self.times, 0.95) * 1000
        return (
            f"a fixed loop, timed {len(self.times)} times between the measurements: "
            f"median {typical:.1f} ms, p95 {slow:.1f} ms, "
            f"quickest {min(self.times) * 1000:.1f} ms"
        )


def describe() -> str:
    """Return the machine and the versions, as one line of text each."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    redis = subprocess.run(
        ["redis-server", "--version"],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()[2]
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"- {_cpu()}, {os.cpu_count()} CPUs, {memory:.0f} GB, {platform.system()} "
        f"{platform.release()}\n"
        f"- Python {platform.python_version()}, {packages}, Redis server {redis[2:]}"
    )


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            return next(
                line.partition(":")[2].strip()
                for line in file
                if line.startswith("model name")
            )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
