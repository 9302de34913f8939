"""Which job each pool process of a worker has, in memory that they share.

A pool process takes its next job before the worker's main process knows that the last
one has ended. Before the main process kills one for a job, it stops it, and looks here
whether it still has that job.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import struct
import sys
import time
from collections.abc import Iterator

import billiard
import psutil

#: Pool processes of a worker. An untouched slot takes no memory.
_SLOTS = 4096

#: Id of the process, and of its job.
_SLOT = struct.Struct("q56s")

#: Made when the worker imports this module, before it forks its pool.
_memory = mmap.mmap(-1, _SLOTS * _SLOT.size)

#: Whether the worker stops: a byte.
_stopping = mmap.mmap(-1, 1)

#: Seconds that a process gets to leave its processor after SIGSTOP.
_STOPPING = 1.0


def set_stopping(value: bool) -> None:
    """Tell all pool processes whether their worker stops."""
    _stopping[0] = int(value)


def is_stopping() -> bool:
    """Return whether the worker stops: jobs may go on with another one."""
    return bool(_stopping[0])


@contextlib.contextmanager
def having(job_id: str | None) -> Iterator[None]:
    """Tell the main process that this pool process has a job.

    Args:
        job_id: which one; None for one that it may still refuse.
    """
    index = getattr(billiard.current_process(), "index", None)
    if index is None or index >= _SLOTS:
        yield
        return
    at = index * _SLOT.size
    try:
        _SLOT.pack_into(_memory, at, os.getpid(), (job_id or "").encode())
        yield
    finally:
        _SLOT.pack_into(_memory, at, os.getpid(), b"")


def stop_if_it_has(pid: int, job_id: str) -> bool:
    """Stop a pool process if it has a job, and return whether it has.

    A process that has told nothing counts as if it had the job.
    """
    if sys.platform == "win32":  # Celery has no such pool there
        return True
    try:
        os.kill(pid, signal.SIGSTOP)
    except ProcessLookupError:
        return False
    _wait_until_stopped(pid)
    told = [text for owner, text in _SLOT.iter_unpack(_memory) if owner == pid]
    if not told or job_id.encode() in (text.rstrip(b"\0") for text in told):
        return True
    os.kill(pid, signal.SIGCONT)
    return False


def _wait_until_stopped(pid: int) -> None:
    """Wait until a process runs no code of its own any more."""
    until = time.monotonic() + _STOPPING
    # It may belong to another user, by setuid.
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        while process.status() == psutil.STATUS_RUNNING and time.monotonic() < until:
            time.sleep(0.001)
