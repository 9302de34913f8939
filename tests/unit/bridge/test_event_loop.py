"""On an asynchronous server, nothing that blocks runs on the event loop."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dash
import pytest
from dash import Input, Output, html

import dash_long_components as dlc
from dash_long_components.core.calls import Call
from dash_long_components.core.lanes import Lane
from dash_long_components.core.snapshots import Snapshot
from dash_long_components.running.tasks import Task
from dash_long_components.testing import asgi
from dash_long_components.web.app_jobs import AppJobs
from tests import backends
from tests.unit.fakes import RecordingManager, out, prop

TIMEOUT = 30.0


class LockedManager(RecordingManager):
    """Its store is locked until another request has got its answer."""

    def __init__(self) -> None:
        super().__init__()
        self.is_free = threading.Event()
        self.loops: list[bool] = []

    def _wait(self) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self.loops.append(False)
        else:
            self.loops.append(True)
        assert self.is_free.wait(TIMEOUT)

    def submit(
        self,
        task: Task,
        call: Call,
        lane: Lane | None = None,
        owner: str | None = None,
        again: str | None = None,
    ) -> str | None:
        self._wait()
        return super().submit(task, call, lane, owner)

    def read(self, job_id: str, cursor: int) -> Snapshot:
        self._wait()
        return super().read(job_id, cursor)

    def cancel(self, job_id: str) -> None:
        self._wait()
        super().cancel(job_id)

    def libraries(self) -> frozenset[str]:
        self._wait()
        return frozenset()

    def warm_up(self) -> None:
        self._wait()


@pytest.fixture
def manager() -> LockedManager:
    return LockedManager()


@pytest.fixture(params=backends.ASGI)
def app(request: pytest.FixtureRequest, manager: LockedManager) -> dash.Dash:
    options: dict[str, Any] = {"enable_mcp": True, "mcp_path": "_dash-mcp"}
    app = dlc.Dash(
        __name__, backend=request.param, long_callback_manager=manager, **options
    )
    app.layout = html.Div()

    @app.long_callback(Output("text", "children"), Input("i", "value"))
    def work(value: object) -> object:
        return value

    return app


def request(
    app: dash.Dash, method: str, path: str, body: bytes = b""
) -> Coroutine[Any, Any, asgi.AsgiResponse]:
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return asgi.call(app.server, asgi.scope_of(method, path, headers), body)


TRIGGER = {
    "output": "text.children",
    "outputs": out("text", "children"),
    "inputs": [prop("i", "value", 1)],
    "state": [],
    "changedPropIds": ["i.value"],
}


#: An agent starts a job.
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "work", "arguments": {"value": 1}},
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("POST", "/_dash-mcp", marks=backends.agents),
        ("POST", "/_dash-update-component"),
        ("POST", "/_dash-long-jobs/poll"),
        ("POST", "/_dash-long-jobs/cancel"),
        ("GET", "/_dash-component-suites/late_library/late.js"),
        ("GET", "/_dash-layout"),
    ],
)
def test_locked_store_stops_no_other_request(
    app: dash.Dash,
    manager: LockedManager,
    method: str,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dash_long_components.web.agents.WAIT", 0.1)
    jobs = AppJobs.of(app)
    assert jobs is not None
    token = jobs.sign(manager.add().id, manager, None)
    bodies: dict[str, Any] = {
        "/_dash-mcp": CALL,
        "/_dash-update-component": TRIGGER,
        "/_dash-long-jobs/poll": [[token, 0]],
        "/_dash-long-jobs/cancel": [token],
    }
    body = json.dumps(bodies.get(path)).encode()

    async def both() -> None:
        blocked = asyncio.create_task(request(app, method, path, body))
        # By then the first one is at the store.
        while not manager.loops and not blocked.done():
            await asyncio.sleep(0)
        other = await request(app, "GET", "/_dash-dependencies")
        assert other.status_code == 200
        manager.is_free.set()
        await blocked

    asgi.run(asyncio.wait_for(both(), TIMEOUT))
    assert manager.loops
    assert not any(manager.loops)


def test_thread_of_the_next_start_has_nothing_that_a_function_left() -> None:
    """Such as the session of a database, which would be open for ever, and old."""
    left = threading.local()
    found: list[int] = []

    def user() -> str:
        found.append(getattr(left, "calls", 0))
        left.calls = found[-1] + 1
        return "ada"

    app = dlc.Dash(
        __name__, long_callback_manager=RecordingManager(), long_callback_user=user
    )
    app.layout = html.Div()
    app.long_callback(Output("text", "children"), Input("i", "value"))(abs)

    def start() -> int:
        client = app.server.test_client()
        answer = client.post("/_dash-update-component", json=TRIGGER)
        return int(answer.status_code)

    # A server has a thread for each request.
    for _ in range(3):
        with ThreadPoolExecutor(1) as threads:
            assert threads.submit(start).result() == 200
    assert found == [0] * 3
