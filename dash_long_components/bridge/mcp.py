"""Dash's MCP server: the long callbacks of an app as tools of agents.

Dash would list them with the arguments of the callback that starts a job. Import this
module only for an app whose MCP server is on: old releases of Dash have none.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import time
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

import dash
from dash.mcp import _configure
from dash.mcp.primitives import tools as dash_tools
from dash.mcp.primitives.tools.base import MCPToolProvider
from dash.mcp.primitives.tools.tools_callbacks import CallbackTools
from dash.mcp.types import CallToolResult, MCPError, TextContent, Tool

from . import backends, event_loop, marks
from .mcp_tool import CallbackTool

__all__ = ["MCPError", "Reply", "Steps", "serve", "tools"]

#: The longest name of a tool, in characters.
MAX_NAME = 64


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What an agent gets from a tool.

    Attributes:
        data: JSON data.
        is_error: whether the tool did not do what the agent asked for.
    """

    data: dict[str, Any]
    is_error: bool = False


#: The work of a tool. It yields the seconds to wait until it goes on.
Steps = Generator[float, None, Reply]


def tools(app: dash.Dash) -> dict[str, CallbackTool]:
    """Return the long callbacks that the app exposes to agents, by tool name.

    A tool has the name of the function, unless another callback has it too.
    """
    found = marks.marked(app)
    names = Counter(
        getattr(callback.get("callback"), "__name__", "")
        for callback in list(app.callback_map.values())
    )
    exposed: dict[str, CallbackTool] = {}
    for callback_id, mark in found.items():
        chosen = mark.signature.options.get("mcp_enabled")
        by_default = CallbackTools.callbacks_mcp_enabled_by_default
        if by_default if chosen is None else chosen:
            own = getattr(mark.function, "__name__", "")
            is_own = names[own] == 1 and own.isidentifier()
            name = own if is_own else re.sub(r"\W+", "_", callback_id).strip("_")
            name = name[:MAX_NAME]
            exposed[name] = CallbackTool(name, callback_id, mark)
    return exposed


class Toolbox(Protocol):
    """The tools of an app."""

    def names(self) -> set[str]:
        """Return the names of all tools."""

    def describe(self) -> list[dict[str, Any]]:
        """Return each tool as MCP describes it. Starts nothing."""

    def call(
        self, name: str, arguments: Mapping[str, Any], blocks_thread: bool
    ) -> Steps:
        """Work for an agent.

        Args:
            name: of the tool.
            arguments: by name.
            blocks_thread: whether a thread of the server waits meanwhile.
        """


_toolboxes: weakref.WeakKeyDictionary[dash.Dash, Toolbox] = weakref.WeakKeyDictionary()

#: The reply to the current request, if that has waited already.
_reply: ContextVar[Reply | None] = ContextVar("reply", default=None)


def serve(app: dash.Dash, toolbox: Toolbox) -> None:
    """Let the MCP server of an app have further tools."""
    _toolboxes[app] = toolbox
    for registered in (
        dash_tools._TOOL_PROVIDERS,
        # From these, configure_mcp_server() chooses again.
        _configure._ALL_MCP_TOOL_PROVIDERS,
    ):
        if _Provider not in registered:
            registered.append(_Provider)
    if backends.is_asgi(app):
        path = app.config.routes_pathname_prefix + app._mcp_path
        backends.wrap_view(app, path, lambda view: _waiting(app, toolbox, view))


class _Provider(MCPToolProvider):
    """Finds the tools of the app that a request is for."""

    @classmethod
    def get_tool_names(cls) -> set[str]:
        toolbox = _toolboxes.get(dash.get_app())
        return set() if toolbox is None else toolbox.names()

    @classmethod
    def list_tools(cls) -> list[Tool]:
        toolbox = _toolboxes.get(dash.get_app())
        return [] if toolbox is None else [Tool(**each) for each in toolbox.describe()]

    @classmethod
    def call_tool(
        cls,
        tool_name: str,
        arguments: dict[str, Any],
        task: dict[str, Any] | None = None,
    ) -> CallToolResult:
        reply = _reply.get()
        if reply is None:
            toolbox = _toolboxes[dash.get_app()]
            reply = _work(toolbox.call(tool_name, arguments or {}, blocks_thread=True))
        return CallToolResult(
            content=[TextContent(type="text", text=json.dumps(reply.data))],
            structuredContent=reply.data,
            isError=reply.is_error,
        )


def _work(steps: Steps) -> Reply:
    while True:
        try:
            time.sleep(next(steps))
        except StopIteration as end:
            reply: Reply = end.value
            return reply


def _waiting(
    app: dash.Dash, toolbox: Toolbox, view: Callable[[], Any]
) -> Callable[[], Awaitable[Any]]:
    """Return a view that lets the event loop go on while a tool of ours works.

    Dash's own view waits for the tool where the event loop runs.
    """

    async def wait() -> Any:
        body = app.backend.request_adapter().get_json()
        body = await body if inspect.isawaitable(body) else body
        match body:
            case {"method": "tools/call", "params": {"name": str(name), **params}}:
                if name in toolbox.names():
                    arguments: Any = params.get("arguments") or {}
                    steps = toolbox.call(name, arguments, blocks_thread=False)
                    _reply.set(await _work_in_threads(steps))
        if inspect.iscoroutinefunction(view):
            return await view()
        return await event_loop.in_thread(view)

    return wait


async def _work_in_threads(steps: Steps) -> Reply:
    def go_on() -> float | Reply:
        try:
            return next(steps)
        except StopIteration as end:
            reply: Reply = end.value
            return reply

    while not isinstance(step := await event_loop.in_thread(go_on), Reply):
        await asyncio.sleep(step)
    return step
