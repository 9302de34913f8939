"""The page of operators, and two pages that it is compared with.

``BENCHMARK`` names the page, how many jobs there are, and where the manager has them.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import dash
from dash import html

from dash_long_components.core.records import Record
from dash_long_components.core.requesters import Requester
from dash_long_components.core.status import Status

SETTINGS = json.loads(os.environ["BENCHMARK"])


def operators() -> dash.Dash:
    """Return an app with a page of operators, and jobs that have ended."""
    import dash_long_components

    manager = celery_manager() if "redis" in SETTINGS else diskcache_manager()
    app = dash_long_components.Dash(
        __name__, long_callback_manager=manager, long_callback_admin=lambda: True
    )
    app.layout = dash_long_components.LongJobAdmin
    return app


def diskcache_manager() -> Any:
    import diskcache

    from dash_long_components import DiskcacheLongCallbackManager
    from dash_long_components.managers.store.clock import Instant
    from dash_long_components.managers.store.database import FOLDER
    from dash_long_components.managers.store.store import Store

    store = Store(os.path.join(SETTINGS["directory"], FOLDER), result_ttl=86_400)
    with store._database.transaction():
        for record in records():
            store._jobs.add(record, Instant.now())
    store.close()
    return DiskcacheLongCallbackManager(diskcache.Cache(SETTINGS["directory"]))


def celery_manager() -> Any:
    from celery import Celery

    from dash_long_components import CeleryLongCallbackManager
    from dash_long_components.managers.celery.documents.job_state import (
        End,
        Live,
        Worker,
    )
    from dash_long_components.managers.celery.store import counted_jobs

    # Each look counts the jobs, as those of a page that looks every two seconds.
    counted_jobs._FRESH = 0.0

    url = SETTINGS["redis"]
    manager = CeleryLongCallbackManager(Celery(__name__, broker=url, backend=url))
    store = manager._store
    worker = Worker(name="celery@bench", lease="1")
    texts = {}
    for record in records():
        live = Live(run="1", worker=worker, record=record)
        end = End(status=record.status, at=record.changed, live=live)
        queued = replace(record, status=Status.QUEUED)
        texts[f"{record.id}.queued"] = queued.to_json().decode()
        texts[f"{record.id}.live"] = live.to_text()
        texts[f"{record.id}.end"] = end.to_text()
        store.listings.add(record)
        store.listings.stop_waiting(record)
        store.listings.end(record.id)
    store.documents.write_many(texts)
    return manager


def records() -> Iterator[Record]:
    """Return jobs of ten tasks, which have ended."""
    count, now = SETTINGS["jobs"], time.time()
    ended = [status for status in Status if status.is_terminal]
    for number in range(count):
        yield Record(
            id=f"job-{number}",
            task=f"app.task_{number % 10}",
            code="v1",
            status=ended[number % len(ended)],
            requesters=(Requester(id="0", owner=f'"user {number // 100}"'),),
            created=now - count + number,
            changed=now,
        )


def grid() -> dash.Dash:
    """Return an app with one dash-ag-grid of a hundred rows, which never change."""
    import dash_ag_grid

    columns = ["status", "task", "user", "age", "ran", "error"]
    app = dash.Dash(__name__)
    app.layout = dash_ag_grid.AgGrid(
        columnDefs=[{"field": name} for name in columns],
        rowData=[{name: f"{name} {row}" for name in columns} for row in range(100)],
        style={"height": 544},
    )
    return app


def empty() -> dash.Dash:
    """Return an app with a page of one word."""
    app = dash.Dash(__name__)
    app.layout = html.Div("Hello.", className="shown")
    return app


app = {"operators": operators, "grid": grid, "empty": empty}[SETTINGS["page"]]()
server = app.server
