"""The watch of a pool process over the main process of its worker.

A pool process that is busy does not notice that its worker was killed. Its job is lost
two leases later. Then it may have another attempt, or leave its place in a group to
another job: by then this process must be gone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from ....core.calls import Call
from ..documents.job_state import Live
from .function_thread import FunctionThread
from .leases import Lease

#: Seconds between two looks, at most.
_INTERVAL = 1.0


def parent_watchdog(
    live: Live, call: Call, end: Callable[[], None] | None
) -> AbstractContextManager[None]:
    """Return the watch for a job. Other jobs go on: none takes their place.

    Args:
        live: the job.
        call: what it runs.
        end: ends this process; None if the process may have other jobs.
    """
    lease = Lease.current
    has_next = live.record.retries is not None or call.scheduling.group is not None
    if lease is None or end is None or not has_next:
        return nullcontext()
    return ParentWatchdog(lease, end)


class ParentWatchdog(FunctionThread):
    """Ends this process if its worker dies.

    A function that is about to return gets half of a lease to do so.

    Args:
        lease: of the worker. Its main process is the parent of this one.
        end: ends this process.
    """

    def __init__(self, lease: Lease, end: Callable[[], None]) -> None:
        super().__init__("dash-long-jobs-main")
        self._lease = lease
        self._end = end

    def watch(self) -> None:
        while os.getppid() == self._lease.pid:
            if self.over.wait(min(_INTERVAL, self._lease.seconds / 3)):
                return
        if not self.over.wait(self._lease.seconds / 2):
            self._end()
