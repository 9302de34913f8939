"""A pool process that has one job, or one part of a job."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

from ...processes import adopt_orphans, end_children
from .leases import Lease
from .orphans import JobOrphans, lead_group, marked

#: The orphans of all jobs of this process.
orphans = JobOrphans()


@contextlib.contextmanager
def process_of_its_own() -> Iterator[Callable[[], None] | None]:
    """In a pool process, let SIGTERM end the process and not only the function.

    Yields:
        A function that ends this process and its descendants; None if the process may
        have other jobs.
    """
    lease = Lease.current
    if lease is None or lease.pid == os.getpid():
        yield None
        return
    adopt_orphans()
    lead_group()
    # Billiard raises SystemExit, which the function might raise itself.
    previous = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with marked(lease.pid):
            yield _exit
    finally:
        signal.signal(signal.SIGTERM, previous)


def _exit() -> None:
    """End this process and its descendants. Celery logs no error for exit code 0."""
    end_children()
    os._exit(0)
