"""The request that opened a WebSocket.

Dash gives a callback over a WebSocket neither cookies nor headers.
"""

from __future__ import annotations

import functools
from contextvars import ContextVar
from typing import Any

import dash

from . import event_loop

#: The connection whose message is handled; None for a request over HTTP.
_connection: ContextVar[Any] = ContextVar("connection", default=None)


def listen() -> None:
    """Have Dash tell of each message, where it has WebSockets. Idempotent."""
    if hasattr(dash.hooks, "websocket_message"):  # since Dash 4.2
        _listen()


@functools.cache
def _listen() -> None:
    dash.hooks.websocket_message()(_note)


async def _note(connection: Any, _message: Any) -> None:
    _connection.set(connection)
    event_loop.continue_here(connection)


def describe() -> dict[str, Any]:
    """Return what Dash's context has of a request, for the current connection.

    Starlette and Quart name the parts differently.
    """
    connection = _connection.get()
    if connection is None:
        return {}
    is_quart = hasattr(connection, "remote_addr")
    client = getattr(connection, "client", None)
    return {
        "cookies": dict(connection.cookies),
        "headers": dict(connection.headers),
        "args": connection.args if is_quart else connection.query_params,
        "path": connection.full_path if is_quart else str(connection.url),
        "remote": connection.remote_addr if is_quart else getattr(client, "host", None),
        "origin": connection.headers.get("origin"),
    }
