"""An agent speaks MCP with a real server, by Dash's own endpoint."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests import backends
from tests.integration.servers import APPS, Server, command, serving
from tests.waiting import until, until_equal

pytestmark = backends.agents


class Agent:
    """Speaks MCP, as the user whom a cookie names."""

    def __init__(self, server: Server, user: str) -> None:
        self._url = f"{server.url}/_dash-mcp"
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "Cookie": f"user={user}",
        }

    def send(self, method: str, **params: Any) -> Any:
        """Return the result of a request of MCP."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        request = urllib.request.Request(
            self._url, json.dumps(body).encode(), self._headers
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = json.load(answer)
        assert "error" not in found, found
        return found["result"]

    def call(self, tool: str, **arguments: Any) -> Any:
        """Return what a tool answers."""
        result = self.send("tools/call", name=tool, arguments=arguments)
        data = result["structuredContent"]
        assert json.loads(result["content"][0]["text"]) == data
        assert result["isError"] == ("error" in data)
        return data


@pytest.fixture(params=backends.ALL)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    how = command("agents_app.py")
    if request.param != "flask":
        how = backends.command(request.param, "agents_app:server", APPS)
    with serving(how, tmp_path_factory.mktemp("agents")) as server:
        yield server


def test_agent_finds_starts_follows_and_cancels_jobs(server: Server) -> None:
    ada, bob = Agent(server, "ada"), Agent(server, "bob")
    assert ada.send("initialize")["capabilities"]["tools"]
    tools = {tool["name"]: tool for tool in ada.send("tools/list")["tools"]}
    assert {"add_up", "hold", "get_long_job", "cancel_long_job"} <= {*tools}
    assert "Add up the first rows." in tools["add_up"]["description"]
    rows = tools["add_up"]["inputSchema"]["properties"]["rows"]
    assert rows["type"] == "integer"
    assert rows["default"] == 3
    assert "Rows" in rows["description"]
    assert tools["hold"]["inputSchema"]["required"] == ["name"]
    # To list them has started nothing.
    assert not server.file("started.log").exists()

    # The first job waits for the dispatcher, for longer than a call does.
    quick = until(lambda: succeeded(ada.call("add_up", rows=7)), timeout=60)
    expected = {"rows": 7, "clicks": 1, "by": "run"}
    assert quick["outputs"] == {"total.children": expected}

    job = ada.call("hold", name="first")["job"]
    slow = until(lambda: with_progress(ada.call("get_long_job", job=job)), timeout=20)
    assert slow["status"] == "running"
    assert slow["job"] == job
    assert slow["progress"] == [{"value": 1, "total": 2, "text": "first"}]
    assert bob.call("get_long_job", job=job)["status"] == "lost"
    bob.call("cancel_long_job", job=job)
    server.file("first").touch()
    end = until(lambda: succeeded(ada.call("get_long_job", job=job)), timeout=20)
    assert end["outputs"] == {"held.children": "held first"}

    job = ada.call("hold", name="second")["job"]
    ada.call("cancel_long_job", job=job)
    until_equal(
        lambda: ada.call("get_long_job", job=job)["status"], "cancelled", timeout=20
    )


def succeeded(answer: Any) -> Any:
    return answer if answer["status"] == "succeeded" else None


def with_progress(answer: Any) -> Any:
    return answer if "progress" in answer else None
