"""The engine host, in every layout that an app serves."""

from __future__ import annotations

from typing import Any

import dash

from ..bridge import event_loop
from .app_jobs import AppJobs
from .handles import ENGINE_HOST


def add_engine_host(layout: Any) -> Any:
    """Add the engine host to a layout before Dash serves it."""
    from ..LongJob import LongJob

    jobs = AppJobs.of(dash.get_app())
    if jobs is None:
        return layout
    event_loop.in_background(jobs.warm_up)
    jobs.check_layout(layout)
    host = LongJob(id=ENGINE_HOST, handles={})
    return [*layout, host] if isinstance(layout, list | tuple) else [layout, host]
