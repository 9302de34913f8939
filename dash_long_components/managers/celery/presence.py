"""Presence on Celery: which jobs still have a page that asks for them.

No two machines' clocks are compared: a server writes something new whenever it is
asked for a job, and the worker, which looks at it, measures how long nothing new came.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress

import celery

from ...core.jobs import new_job_id
from ...exceptions import StoreUnavailableError
from .documents import Documents

#: What part of its time a page may be quiet before its next poll is noted down.
QUIET = 0.25

#: Seconds between two signs of life of a server that is asked for such jobs.
_BEAT = 2.0

#: Seconds without such a sign, after which there is no server that pages could ask.
_AWAY = 3 * _BEAT

#: Jobs of which a server knows when it noted them down last.
_REMEMBERED = 4096

_SERVERS = "dash-long-jobs.servers"


class Presence:
    """What a server notes down of the polls for jobs that end with their page."""

    def __init__(self, app: celery.Celery) -> None:
        self._documents = Documents(app)
        self._noted: dict[str, float] = {}
        self._beating_in: int | None = None

    def see(self, job_id: str, leave_timeout: float) -> None:
        """Take note that a page has asked, if it is news. Cheap otherwise."""
        now = time.monotonic()
        if now - self._noted.get(job_id, -leave_timeout) < leave_timeout * QUIET:
            return
        self._beat()
        self._documents.write(_seen(job_id), new_job_id())
        if len(self._noted) >= _REMEMBERED:
            self._noted.clear()
        self._noted[job_id] = now

    def _beat(self) -> None:
        """Say from now on that there is a server that pages could ask."""
        if self._beating_in != os.getpid():
            self._beating_in = os.getpid()
            threading.Thread(
                target=self._go_on, name="dash-long-jobs-server", daemon=True
            ).start()

    def _go_on(self) -> None:
        while True:
            # Otherwise no page can ask either.
            with suppress(StoreUnavailableError):
                self._documents.write(_SERVERS, new_job_id())
            time.sleep(_BEAT)


class Absence:
    """For how long nobody has asked for a job though it was possible.

    Args:
        app: of the worker.
        job_id: which job.
    """

    def __init__(self, app: celery.Celery, job_id: str) -> None:
        self._documents = Documents(app)
        self._keys = [_seen(job_id), _SERVERS]
        self._last: list[str | None] = [None, None]
        self._seen_at = self._beat_at = time.monotonic()

    def look(self) -> float:
        """Look again, and return the seconds of absence so far."""
        now = time.monotonic()
        try:
            found = self._documents.read_many(self._keys)
        except StoreUnavailableError:
            self._seen_at = now
            return 0.0
        (seen, beat), (last_seen, last_beat) = found, self._last
        self._last = found
        if beat != last_beat:
            self._beat_at = now
        if seen != last_seen or now - self._beat_at > _AWAY:
            self._seen_at = now
        return now - self._seen_at


def _seen(job_id: str) -> str:
    return f"{job_id}.seen"
