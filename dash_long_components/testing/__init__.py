"""Tools to test apps: a manager in memory, a page without a browser, faults."""

from __future__ import annotations

from ..managers.memory.manager import MemoryLongCallbackManager
from .asgi import AsgiClient, AsgiResponse
from .faults import PollFaults
from .page import Job, Page, Unavailable
from .waiting import wait_for_job

__all__ = [
    "AsgiClient",
    "AsgiResponse",
    "Job",
    "MemoryLongCallbackManager",
    "Page",
    "PollFaults",
    "Unavailable",
    "wait_for_job",
]
