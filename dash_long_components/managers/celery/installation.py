"""Adds to a Celery app what its workers need for jobs."""

from __future__ import annotations

from typing import Any

import celery
from celery import signals

from ...running import runtime, tasks
from . import worker, workflow_worker
from .parts import worker as part_worker
from .supervision import (
    commands,  # noqa: F401 - a worker knows the commands of loaded modules
    consumer_watch,
    supervisor,
)
from .supervision.channel_errors import ChannelErrorStep
from .workers import leases, orphans
from .workers.homes import Home, find_home, home_of, set_home
from .workflows import workflows


def install(app: celery.Celery, home: Home) -> None:
    """Let the workers of an app run the jobs of a manager.

    Args:
        app: of the workers.
        home: where the manager keeps its jobs.
    """
    set_home(app, home)
    steps = (
        leases.step(home),
        supervisor.step(home),
        orphans.OrphanStep,
        workflows.step(home),
        consumer_watch.step(home),
    )
    app.steps["worker"].update(steps)
    app.steps["consumer"].add(ChannelErrorStep)
    worker.add_probe(app)
    part_worker.add_part(app, home)
    workflow_worker.add_finish(app, home)
    tasks.on_register(lambda task: worker.add_task(app, task, home))


@signals.worker_init.connect
def _prepare(sender: Any, **_: Any) -> None:
    """Prepare a worker before it forks its pool."""
    if home_of(sender.app) is None:
        # Its Celery object is another one than that of the manager.
        home = find_home(sender.app)
        if home is None:
            return
        install(sender.app, home)
    runtime.get_ready()
