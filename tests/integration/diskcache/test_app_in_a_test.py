"""Jobs of an app that a test makes: no other process knows its functions."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from dash import Input, Output

import dash_long_components as dlc
from dash_long_components.managers.store.store import Store
from tests.integration.page import TIMEOUT
from tests.rows import row_counts
from tests.waiting import until


def run(app: dlc.Dash, value: Any, status: str = "succeeded") -> Any:
    """Run the callback of ``text.children``; return its result, or how it ended."""
    client = app.server.test_client()
    response = client.post(
        "/_dash-update-component",
        json={
            "output": "text.children",
            "outputs": {"id": "text", "property": "children"},
            "inputs": [{"id": "i", "property": "value", "value": value}],
            "changedPropIds": ["i.value"],
        },
    ).get_json()
    patch = response["sideUpdate"]["_dash-long-jobs"]["handles"]
    token = patch["operations"][0]["params"]["value"]["token"]
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        answer = client.post("/_dash-long-jobs/poll", json=[[token, 0]]).get_json()
        snapshot = answer["jobs"]["0"]
        if snapshot["status"] not in ("queued", "running"):
            assert snapshot["status"] == status, snapshot
            if status != "succeeded":
                return snapshot
            return snapshot["result"]["response"]["text"]["children"]
        time.sleep(answer["next"] / 1000)
    pytest.fail(f"{snapshot} after {TIMEOUT} s")


def test_function_and_what_it_closes_over_travel_along(app: dlc.Dash) -> None:
    factor = 7

    class Number:
        def __init__(self, value: int) -> None:
            self.value = value

    @app.long_callback(Output("text", "children"), Input("i", "value"))
    def multiply(value: int) -> list[int]:
        return [Number(value).value * factor, os.getpid()]

    for value in range(3):
        result, pid = run(app, value)
        assert result == value * factor
        assert pid != os.getpid()


def test_value_that_can_not_be_pickled_is_named(app: dlc.Dash) -> None:
    lock = threading.Lock()

    @app.long_callback(Output("text", "children"), Input("i", "value"))
    def locked(_value: int) -> bool:
        return lock.locked()

    for _ in range(2):  # before the dispatcher is up, and after
        error = run(app, 1, "failed")["error"]
        assert error["type"] == "TaskNotFoundError"
        for part in ("locked", "lock' object", "app(): it is a generator", "entry="):
            assert part in error["message"]


def test_no_row_of_the_store_is_left_after_many_jobs(
    app: dlc.Dash, tmp_path: Path
) -> None:
    @app.long_callback(Output("text", "children"), Input("i", "value"))
    def identity(value: object) -> object:
        return value

    for value in range(5):
        assert run(app, value) == value
    store = Store(str(tmp_path / "long-jobs"), result_ttl=60)
    # A job has ended a moment before its worker has.
    until(lambda: not store.slots.all(), TIMEOUT)
    counts = row_counts(store)
    store.close()
    assert (counts["job"], counts["result"]) == (5, 5)
    assert (counts["call"], counts["requester"]) == (0, 0)
