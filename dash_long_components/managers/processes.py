"""Processes: which one is meant, whether it lives, and ending it with its children."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>

#: Environment variable that holds the id of the job that started a program.
MARK = "DASH_LONG_JOB"

#: Seconds for which a process that was killed is waited for. One that is in the middle
#: of a call to a driver or a network disk may take for ever.
DYING = 1.0


@dataclass(frozen=True)
class Process:
    """A process, told apart from a later one with the same number.

    Attributes:
        pid: its number.
        started: when it started; on Linux in clock ticks since the machine did, which
            no change of the clock moves, elsewhere in seconds since the epoch.
    """

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> Process:
        """Return the process that has this number now.

        Raises:
            ProcessLookupError: there is none.
        """
        started = _start_time(pid)
        if started is None:
            raise ProcessLookupError(f"There is no process {pid}.")
        return cls(pid, started)

    @classmethod
    def current(cls) -> Process:
        """Return the process this code runs in."""
        return cls.of(os.getpid())

    @classmethod
    def from_list(cls, data: list[float]) -> Process:
        return cls(int(data[0]), data[1])

    def to_list(self) -> list[float]:
        return [self.pid, self.started]

    def is_alive(self) -> bool:
        """Tell whether it still runs; a zombie does not."""
        return _start_time(self.pid) == self.started

    def kill_tree(self) -> None:
        """End it, its children, theirs, and what they left behind in its group.

        The process must lead a process group of its own where there are such. What has
        become another user's (by ``sudo``) is left alone.
        """
        if not self.is_alive():
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.pid)
            for child in [*root.children(recursive=True), root]:
                with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    child.kill()
        kill_group(self.pid)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies; on Linux only.

    Then a program that daemonised itself inside a job can still be found, and is no
    zombie where nobody else collects it (a container without an init process).
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> set[int]:
    """Return the numbers of this process's children; zombies count."""
    if sys.platform == "linux":
        with contextlib.suppress(FileNotFoundError):
            return _children_of_threads()
    return {child.pid for child in psutil.Process().children()}


def _children_of_threads() -> set[int]:
    """Return them by the thread that started each: quick, where the kernel tells."""
    found: set[int] = set()
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(ProcessLookupError):
            text = Path(f"/proc/self/task/{thread}/children").read_text()
            found.update(map(int, text.split()))
    return found


def kill_tree(pid: int) -> None:
    """Do ``kill_tree`` with the process that has this number now, if there is one."""
    with contextlib.suppress(ProcessLookupError):
        Process.of(pid).kill_tree()


def end_child(pid: int) -> bool:
    """End a child of this process with all that came from it, and collect it.

    False if it goes on: it can't be ended.
    """
    kill_tree(pid)
    until = time.monotonic() + DYING
    while not collect(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.001)
    return True


def collect(pid: int) -> bool:
    """Collect a child of this process if it has exited, so that it is no zombie.

    False if it has not. Where the system collects them (Windows), and for what is no
    child of this process (any more), there is nothing to do.
    """
    if sys.platform == "win32":
        return True
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True


def kill_group(pid: int) -> None:
    """End what is left of the process group that a process led; nothing on Windows."""
    # Zero stands for this process's own group, too.
    if sys.platform != "win32" and pid not in (0, os.getpgrp()):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def kill_left_behind(worker: Process, job_id: str) -> None:
    """End what a dead worker has left behind, wherever it went.

    Programs are known by their environment, forks of the worker by their group. A
    number that another process may have by now is not enough for either.
    """
    is_gone = _start_time(worker.pid) is None
    # psutil.process_iter() remembers who had a number before, and lets live whoever has
    # it now. And of a process that is just going, files are missing one by one.
    for pid in psutil.pids():
        with contextlib.suppress(psutil.Error, OSError):
            process = psutil.Process(pid)
            is_fork = (
                is_gone
                and sys.platform != "win32"
                and os.getpgid(pid) == worker.pid
                and any("dash_long_components" in part for part in process.cmdline())
            )
            if is_fork or process.environ().get(MARK) == job_id:
                process.kill()


def _start_time(pid: int) -> float | None:
    """Return when a process started, or None if it is gone or a zombie."""
    if sys.platform == "linux":
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                # The name, in parentheses, may hold anything; the state comes after it.
                fields = file.read().rpartition(b")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in b"ZX" else float(fields[19])
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.NoSuchProcess:
        return None
