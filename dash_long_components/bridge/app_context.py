"""The Flask application context of the code that runs in a job."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import flask

#: The servers of the apps of this process, by the id of the app.
_servers: weakref.WeakValueDictionary[str, flask.Flask] = weakref.WeakValueDictionary()

#: How Flask, Quart and Dash on FastAPI begin to say that there is no request.
_OUTSIDE = (
    "Working outside of request context",
    "Not within a request context",
    "No active request in context",
)

#: How Flask begins to say that there is no app.
_WITHOUT_APP = "Working outside of application context"


def remember(app_id: str, server: Any) -> None:
    """Note the server of an app, if it is Flask: the others have no such context.

    Args:
        app_id: ``AppOrigin.id`` of the app.
        server: of the app.
    """
    if isinstance(server, flask.Flask):
        _servers[app_id] = server


@contextmanager
def entered(app_id: str) -> Iterator[None]:
    """Run code in the application context of an app.

    Without a context if this process has no such app: the function came by value.
    """
    server = _find(app_id)
    with nullcontext() if server is None else server.app_context():
        yield


def hint(error: BaseException) -> str:
    """Return what to do about a request or an app that a job does not have."""
    if isinstance(error, RuntimeError) and str(error).startswith(_OUTSIDE):
        return (
            "The request and its session are not available in a job: the request is "
            "over. Use dash.ctx.cookies, headers, path and args, or pass a State."
        )
    if isinstance(error, RuntimeError) and str(error).startswith(_WITHOUT_APP):
        return (
            "There is no Flask app in the process of this job. Either the app is on "
            "another backend, or the function came by value: name what makes the app, "
            'as in long_callback_entry="module:create_app()".'
        )
    return ""


def _find(app_id: str) -> flask.Flask | None:
    """Return the server of an app, or of another app of this process with its name.

    An equal call may have made that one.
    """
    if app_id in _servers:
        return _servers[app_id]
    name, _, _ = app_id.rpartition(":")
    for other, server in _servers.items():
        if name and other.rpartition(":")[0] == name:
            return server
    return None
