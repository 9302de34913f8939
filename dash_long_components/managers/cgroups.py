"""Control groups of Linux (cgroup v2), which hold all that comes from a process.

A program of a job can leave its session, its process group, its parent and its
environment, but not its control group. So it is found even if all processes that knew
of it were killed. Where this process may not make groups, these functions do nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote

import psutil

from .identity import Process

_PREFIX = "dash-long-jobs."


def enter(name: str) -> None:
    """Move this process, and so all its later descendants, into a group of its own.

    Args:
        name: a name for the store or worker. Processes with the same name clean up
            after each other.
    """
    home = _home()
    if home is None:
        return
    group = home / f"{_prefix(name)}{_quote(str(Process.current()))}"
    with suppress(OSError):
        group.mkdir()
        try:
            _move_to(group)
        except OSError:
            group.rmdir()


def leave(name: str) -> None:
    """Undo ``enter``, unless something else is in the group."""
    home = _home()
    if home is not None:
        with suppress(OSError):
            _move_to(home)
            (home / f"{_prefix(name)}{_quote(str(Process.current()))}").rmdir()


def end_dead(name: str, spared: Collection[Process] = ()) -> None:
    """Kill the processes that dead ones have left in their groups. Never waits.

    Call this from time to time: a group goes when it is empty.

    Args:
        name: as for ``enter``.
        spared: processes that go on, with all their descendants.
    """
    home = _home()
    if home is None:
        return
    with suppress(OSError):
        for group in home.glob(f"{_PREFIX}*"):
            process = _process_of(group)
            if process is None or not process.is_here or process.is_alive():
                continue
            if group.name.startswith(_prefix(name)):
                _kill_all(group, spared)
            with suppress(OSError):  # not all have exited
                group.rmdir()


def _process_of(group: Path) -> Process | None:
    """Return the process that has made a group."""
    try:
        return Process.from_text(unquote(group.name.rpartition(".")[2]))
    except ValueError:
        return None


def _kill_all(group: Path, spared: Collection[Process]) -> None:
    pids = set(map(int, (group / "cgroup.procs").read_text().split()))
    for pid in pids - _families(spared):
        with suppress(psutil.Error):
            psutil.Process(pid).kill()


def _families(processes: Collection[Process]) -> set[int]:
    """Return the numbers of live processes and of all their descendants."""
    found: set[int] = set()
    for process in processes:
        if process.is_alive():
            found.add(process.pid)
            with suppress(psutil.Error):
                children = psutil.Process(process.pid).children(recursive=True)
                found.update(child.pid for child in children)
    return found


def _move_to(group: Path) -> None:
    (group / "cgroup.procs").write_text(str(os.getpid()))


def _prefix(name: str) -> str:
    return f"{_PREFIX}{_quote(name)}."


def _quote(text: str) -> str:
    # No slashes, and no dots: they end the name.
    return quote(text, safe="").replace(".", "%2E")


def _home() -> Path | None:
    """Return the group around those of jobs; None where there are no groups."""
    if sys.platform != "linux":
        return None
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
        mounts = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return None
    paths = [line.removeprefix("0::/") for line in lines if line.startswith("0::/")]
    points = [fields[1] for line in mounts if (fields := line.split())[2] == "cgroup2"]
    if not paths or not points:
        return None
    own = Path(points[0], paths[0])
    return own.parent if own.name.startswith(_PREFIX) else own
