"""Ending processes, with all that came from them."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import signal
import sys
import time
from typing import Any

import psutil

from .identity import Process, start_time

_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>

#: Environment variable that holds the id of the job that started a program.
MARK = "DASH_LONG_JOB"

#: Seconds to wait for a process that was killed. One in the middle of a call to a
#: driver or a network disk may never exit.
DYING = 1.0


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies; on Linux only.

    Then a program that daemonised itself inside a job can still be found. It also
    leaves no zombie in a container without an init process.
    """
    if sys.platform == "linux":
        _libc().prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@functools.cache
def _libc() -> Any:
    # Each worker calls it, and inherits this.
    return ctypes.CDLL(None)


def children() -> set[int]:
    """Return the numbers of this process's children; zombies count."""
    if sys.platform == "linux":
        with contextlib.suppress(FileNotFoundError):
            return _children_of_threads()
    return {child.pid for child in psutil.Process().children()}


def _children_of_threads() -> set[int]:
    """Return them thread by thread, as the kernel lists them: that is quick."""
    found: set[int] = set()
    for thread in os.listdir("/proc/self/task"):
        path = f"/proc/self/task/{thread}/children"
        with contextlib.suppress(ProcessLookupError), open(path) as file:
            found.update(map(int, file.read().split()))
    return found


def kill_tree_of(process: Process) -> None:
    """Kill a process, its descendants, and the rest of its process group.

    The process must lead a process group of its own where there are such. This leaves
    a process alone that has become another user's (by ``sudo``).
    """
    if not process.is_alive():
        return
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(process.pid)
        for each in [*root.children(recursive=True), root]:
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                each.kill()
    kill_group(process.pid)


def kill_tree(pid: int) -> None:
    """Do ``kill_tree_of`` with the process that has this number now, if any."""
    with contextlib.suppress(ProcessLookupError):
        kill_tree_of(Process.of(pid))


def end_child(pid: int) -> bool:
    """Kill a child of this process with all that came from it, and collect it.

    False if it goes on all the same.
    """
    kill_tree(pid)
    until = time.monotonic() + DYING
    while not collect(pid):
        if time.monotonic() > until:
            return False
        time.sleep(0.001)
    return True


def end_children() -> None:
    """Kill the descendants of this process, which is about to exit."""
    until = time.monotonic() + DYING
    # Children of a process that dies become children of this one.
    while (found := children()) and time.monotonic() < until:
        for pid in found:
            end_child(pid)


def collect(pid: int) -> bool:
    """Collect a child of this process if it has exited: no zombie stays.

    False if it has not. True on Windows, which collects them itself, and for a process
    that is not a child of this one.
    """
    if sys.platform == "win32":
        return True
    try:
        return os.waitpid(pid, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return True


def kill_group(pid: int) -> None:
    """Kill the rest of the process group that a process led; no effect on Windows."""
    # Zero means this process's own group, too.
    if sys.platform != "win32" and pid not in (0, os.getpgrp()):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def kill_orphans_of_dead(worker: Process, job_id: str) -> None:
    """Kill the orphans of a dead worker.

    Programs are known by their environment, forks of the worker by their group. The
    number alone is not enough: another process may have it by now.
    """
    is_gone = start_time(worker.pid) is None
    # psutil.process_iter() caches processes by number, and so would miss a new one with
    # an old number. The files of a process that just exits vanish one by one.
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


def is_stopped(pid: int) -> bool:
    """Return whether a process was stopped (SIGSTOP)."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    return False


def kill_alone(process: Process) -> bool:
    """Kill a process, but not its children. False if it does not run here."""
    if not process.is_alive():
        return False
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(process.pid).kill()
    return True
