"""The number of CPUs that this process may use."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path

#: Where Linux shows the limits of control groups.
CGROUPS = Path("/sys/fs/cgroup")


def default_concurrency() -> int:
    """Return how many jobs run at once by default: one for each CPU, at least two.

    A container with one CPU runs a second job while the first one waits for a
    database or the network.
    """
    return max(2, available())


def available() -> int:
    """Return the number of CPUs that the affinity and the container's quota allow."""
    count = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    quotas = [_quota(CGROUPS / path) for path in _groups(own_groups())]
    return max(1, math.ceil(min([count, *filter(None, quotas)])))


def own_groups() -> str:
    with suppress(OSError):
        return Path("/proc/self/cgroup").read_text()
    return ""


def _groups(text: str) -> list[str]:
    """Return the folders of the process's groups and of those above them.

    Args:
        text: lines of ``number:controllers:path``; version 2 has no controllers.
    """
    found = []
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        parts = [part for part in path.split("/") if part]
        above = ["/".join(parts[:end]) for end in range(len(parts) + 1)]
        found += [f"{controllers}/{path}".strip("/") for path in above]
    return found


def _quota(folder: Path) -> float | None:
    """Return the CPUs that a control group may use; None for no limit."""
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = (folder / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    with suppress(OSError, ValueError, ZeroDivisionError):
        limit = int((folder / "cpu.cfs_quota_us").read_text())
        per = int((folder / "cpu.cfs_period_us").read_text())
        return None if limit < 0 else limit / per
    return None
