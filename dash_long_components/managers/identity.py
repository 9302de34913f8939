"""The identity of a process: enough to tell it from every other one."""

from __future__ import annotations

import functools
import os
import platform
import sys
from dataclasses import dataclass, field


@functools.lru_cache(maxsize=1)
def this_host() -> str:
    """Return an id of this host: its boot and its pid namespace.

    In two containers, or before and after a restart of the machine, the same number
    means two processes. Only Linux has pid namespaces. Elsewhere this is the name of
    the machine, and start times are absolute.
    """
    if sys.platform == "linux":
        try:
            with open("/proc/sys/kernel/random/boot_id") as file:
                boot = file.read().strip()
            return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
        except OSError:  # a sandbox may hide them
            pass
    return platform.node()


if hasattr(os, "register_at_fork"):
    # The child may have been forked into another namespace.
    os.register_at_fork(after_in_child=this_host.cache_clear)


@dataclass(frozen=True)
class Process:
    """A process, told from a later one with the same number, and from other hosts'.

    Attributes:
        pid: its number.
        started: when it started; on Linux in clock ticks since the boot, which no
            change of the clock moves, elsewhere in seconds since the epoch.
        host: where its number counts; see ``this_host``.
    """

    pid: int
    started: float
    host: str = field(default_factory=this_host)

    @classmethod
    def of(cls, pid: int) -> Process:
        """Return the process that has this number now.

        Raises:
            ProcessLookupError: there is none.
        """
        started = start_time(pid)
        if started is None:
            raise ProcessLookupError(f"There is no process {pid}.")
        return cls(pid, started)

    @classmethod
    def current(cls) -> Process:
        """Return the process that this code runs in."""
        return cls.of(os.getpid())

    @classmethod
    def from_text(cls, text: str) -> Process:
        """Undo ``str``."""
        pid, started, host = text.split(" ", 2)
        return cls(int(pid), float(started), host)

    def __str__(self) -> str:
        return f"{self.pid} {float(self.started)!r} {self.host}"

    @property
    def is_here(self) -> bool:
        """Whether its number counts on this host."""
        return self.host == this_host()

    def is_alive(self) -> bool:
        """Return whether it runs on this host; a zombie does not.

        Returns False for a process of another host. Use its heartbeat instead.
        """
        return self.is_here and start_time(self.pid) == self.started


def start_time(pid: int) -> float | None:
    """Return when a process started; None if it is gone or a zombie."""
    if sys.platform == "linux":
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                # The name, in parentheses, may hold anything; the state comes after it.
                fields = file.read().rpartition(b")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in b"ZX" else float(fields[19])
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return float(process.create_time())
    except psutil.NoSuchProcess:
        return None
