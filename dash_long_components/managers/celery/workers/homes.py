"""The Celery app of a job. That of its worker may be another one.

A worker may have a Celery object of its own, and import the module of the Dash app
with the manager's. Such a worker takes the jobs from the broker, and writes to the
result backend of the manager.
"""

from __future__ import annotations

from dataclasses import dataclass

import celery


@dataclass(frozen=True, kw_only=True)
class Home:
    """Where a manager keeps its jobs.

    Attributes:
        app: the Celery app that the manager was given.
        lease: of its workers, in seconds.
    """

    app: celery.Celery
    lease: float


_homes: dict[celery.Celery, Home] = {}


def set_home(app: celery.Celery, home: Home) -> None:
    """Note where the jobs that an app receives belong."""
    _homes[app] = home


def home_of(app: celery.Celery) -> Home | None:
    """Return where the jobs that an app receives belong; None if it knows no job."""
    return _homes.get(app)


def find_home(app: celery.Celery) -> Home | None:
    """Return the home of the manager that shares a broker with an app, or None."""
    broker = app.conf.broker_read_url or app.conf.broker_url
    for home in _homes.values():
        if (home.app.conf.broker_write_url or home.app.conf.broker_url) == broker:
            return home
    return None
