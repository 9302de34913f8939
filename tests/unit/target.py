"""An app to send all sorts of things to."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from typing import Any
from unittest import mock

import diskcache
from dash import Input, Output, html

import dash_long_components as dlc
from dash_long_components import DiskcacheLongCallbackManager
from dash_long_components.core import code_version
from dash_long_components.core.queueing import Sizes
from dash_long_components.core.status import Status
from dash_long_components.managers.diskcache.server.launcher import Launcher
from dash_long_components.managers.identity import Process
from dash_long_components.managers.store.store import Store
from tests.unit.fakes import handle_of, id_of, out, prop

POLL, CANCEL = "/_dash-long-jobs/poll", "/_dash-long-jobs/cancel"
ANSWER = "/_dash-long-jobs/answer"
TRIGGER = "/_dash-update-component"


class Target:
    """An app with jobs in several statuses, and no dispatcher."""

    def __init__(self, folder: str) -> None:
        self.cache = diskcache.Cache(folder)
        self.manager = DiskcacheLongCallbackManager(self.cache, max_queue=10**6)
        self.app = dlc.Dash(__name__, long_callback_manager=self.manager)
        self.app.layout = html.Div()
        self.app.long_callback(Output("text", "children"), Input("i", "value"))(
            lambda value: value
        )
        self._no_dispatcher = mock.patch.object(Launcher, "ensure")
        self._no_dispatcher.start()
        self.manager.warm_up()
        self.store = Store(os.path.join(folder, "long-jobs"), 60)
        self.client = self.app.server.test_client(use_cookies=False)
        self.tokens = [self.start() for _ in range(4)]
        me = Process.current()
        jobs = [
            id_of(self.store.dispatching.take(code_version.settle(), me, Sizes(10)))
            for _ in range(4)
        ]
        for job_id, status in zip(
            jobs, [Status.SUCCEEDED, Status.FAILED], strict=False
        ):
            assert job_id is not None
            self.store.end(job_id, status)
        self.tokens.append(self.start())

    def start(self) -> str:
        token: str = handle_of(self.post(TRIGGER, self.trigger()))["token"]
        return token

    def trigger(self) -> dict[str, Any]:
        return {
            "output": "text.children",
            "outputs": out("text", "children"),
            "inputs": [prop("i", "value", 1)],
            "state": [],
            "changedPropIds": ["i.value"],
        }

    def post(self, path: str, body: Any, **options: Any) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return self.client.post(path, data=data, **{"headers": headers, **options})

    def jobs(self) -> dict[str, str]:
        """Return all rows of all jobs."""
        with closing(sqlite3.connect(self.store.path)) as database:
            return {
                f"{table} {row[0]}": repr(row)
                for table in ("job", "call", "result", "requester")
                for row in database.execute(f"SELECT * FROM {table}")
            }

    def close(self) -> None:
        self.manager.close()
        self.store.close()
        self._no_dispatcher.stop()
        self.cache.close()
