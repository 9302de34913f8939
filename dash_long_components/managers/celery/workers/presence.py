"""Presence on Celery: which jobs still have a page that polls for them.

The clocks of two machines are never compared. A server writes a new random text when
a page polls, and the worker measures how long it has seen no new one.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress

import celery

from ....core import limits
from ....core.ids import new_job_id
from ....exceptions import StoreUnavailableError
from ..documents.documents import Documents
from .going_on import going_on

#: Seconds between two heartbeats of a server that is polled for such jobs.
_HEARTBEAT = 2.0

#: Seconds without such a heartbeat after which no server is there to be polled.
_AWAY = 3 * _HEARTBEAT

#: Jobs whose last write a server remembers.
_REMEMBERED = 4096

_SERVERS = "dash-long-jobs.servers"


class Presence:
    """Writes down the polls for jobs that end with their page."""

    def __init__(self, app: celery.Celery) -> None:
        self._documents = Documents(app)
        self._noted: dict[str, float] = {}
        self._sending_in: int | None = None

    def see(self, job_id: str, leave_timeout: float) -> None:
        """Write down that a page has polled. Cheap if the last write is recent."""
        now = time.monotonic()
        if not limits.is_news(self._noted.get(job_id), leave_timeout, now):
            return
        self._send_heartbeats()
        self._documents.write(_seen(job_id), new_job_id())
        if len(self._noted) >= _REMEMBERED:
            self._noted.clear()
        self._noted[job_id] = now

    def _send_heartbeats(self) -> None:
        """Start the heartbeat of this server, once in each process."""
        if self._sending_in != os.getpid():
            self._sending_in = os.getpid()
            threading.Thread(
                target=send_heartbeats,
                args=(self._documents,),
                name="dash-long-jobs-server",
                daemon=True,
            ).start()


def send_heartbeats(documents: Documents) -> None:
    """Write the heartbeat of a server for as long as its process lives."""
    while True:
        # While the backend is away, no page can poll either.
        with suppress(StoreUnavailableError), going_on("The heartbeat of the server"):
            send_heartbeat(documents)
        time.sleep(_HEARTBEAT)


def send_heartbeat(documents: Documents) -> None:
    """Write down that there is a server to be polled."""
    documents.write(_SERVERS, new_job_id())


class Absence:
    """Tells whether no page has polled for a job although one could have.

    Args:
        documents: of the job; not patient.
        job_id: which job.
        leave_timeout: seconds without a poll after which the page has left.
    """

    def __init__(self, documents: Documents, job_id: str, leave_timeout: float) -> None:
        self._documents = documents
        self._leave_timeout = leave_timeout
        self._keys = [_seen(job_id), _SERVERS]
        self._last: list[str | None] = [None, None]
        self._seen = self._last_heartbeat = self._reachable = time.monotonic()

    def has_left(self) -> bool:
        """Look again, and return whether the page has left."""
        now = time.monotonic()
        try:
            found = self._documents.read_many(self._keys)
        except StoreUnavailableError:
            self._reachable = now
            return False
        (seen, heartbeat), (last_seen, last_heartbeat) = found, self._last
        self._last = found
        if heartbeat != last_heartbeat:
            self._last_heartbeat = now
        if seen != last_seen:
            self._seen = now
        if now - self._last_heartbeat > _AWAY:
            self._reachable = now
        return limits.has_left(
            self._seen, self._leave_timeout, now, reachable_since=self._reachable
        )


def _seen(job_id: str) -> str:
    return f"{job_id}.seen"
