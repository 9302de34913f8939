"""The web frameworks that the installed Dash can serve an app with."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import dash
import flask
import pytest

from dash_long_components.testing.asgi import AsgiClient, AsgiResponse


def missing(name: str) -> str:
    """Return why a framework can't be used; an empty text if it can."""
    if name != "flask" and not hasattr(dash, "backends"):
        return f"Dash {dash.__version__} serves an app by Flask alone"
    if importlib.util.find_spec(name) is None and not os.environ.get("CI"):
        return f"{name} is not installed"
    return ""


def _parameter(name: str) -> Any:
    reason = missing(name)
    return pytest.param(name, marks=pytest.mark.skipif(bool(reason), reason=reason))


ALL = [_parameter(name) for name in ("flask", "fastapi", "quart")]

#: For tests of agents.
agents = pytest.mark.skipif(
    importlib.util.find_spec("dash.mcp") is None,
    reason=f"Dash {dash.__version__} serves no agents",
)

#: Those that are asynchronous.
ASGI = ALL[1:]


def options(name: str) -> dict[str, Any]:
    """Return the arguments of ``Dash``: old releases know Flask alone."""
    return {} if name == "flask" else {"backend": name}


def command(name: str, app: str, folder: Path) -> list[str]:
    """Return how users start an app on an asynchronous framework.

    Args:
        name: of the framework.
        app: ``module:server``.
        folder: of the module.
    """
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    if name == "fastapi":
        server = ["uvicorn", "--host", "127.0.0.1", "--port", "{port}"]
    else:
        # By default it has a worker process, which survives a kill of its parent.
        server = ["hypercorn", "-b", "127.0.0.1:{port}", "--workers", "0"]
    environment = ["env", f"PYTHONPATH={path}", f"BACKEND={name}"]
    return [*environment, sys.executable, "-m", *server, app]


def cookie(app: dash.Dash, name: str) -> str | None:
    """Return a cookie of the present request, as users' functions read it."""
    if isinstance(app.server, flask.Flask):
        return flask.request.cookies.get(name)
    found: str | None = app.backend.request_adapter().cookies.get(name)
    return found


def abort(app: dash.Dash, status: int) -> NoReturn:
    """Refuse the present request, as users' functions do."""
    if "fastapi" not in type(app.server).__module__:
        flask.abort(status)
    import fastapi

    raise fastapi.HTTPException(status)


def refuse_all(app: dash.Dash, status: int) -> None:
    """Refuse every request, as the guard of an app does."""
    if "fastapi" not in type(app.server).__module__:
        app.server.before_request(lambda: flask.abort(status))
        return
    import fastapi

    async def guard(_request: Any, _call_next: Any) -> Any:
        return fastapi.Response(status_code=status)

    app.server.middleware("http")(guard)


class Response:
    """The answer of an app, as Flask's test client shows it."""

    def __init__(self, answer: AsgiResponse) -> None:
        self._answer = answer
        self.status_code = answer.status_code
        self.headers = {name.title(): value for name, value in answer.headers}

    @property
    def mimetype(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0]

    @property
    def text(self) -> str:
        return self._answer.text

    @property
    def content_length(self) -> int:
        return int(self.headers["Content-Length"])

    def get_data(self, as_text: bool = False) -> str | bytes:
        return self.text if as_text else self._answer.data

    def get_json(self) -> Any:
        return json.loads(self._answer.data)


def send(
    app: dash.Dash,
    path: str,
    data: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    method: str = "POST",
    query_string: str = "",
) -> Any:
    """Send a request to an app in this process."""
    headers = {"Content-Type": "application/json", **(headers or {})}
    if isinstance(app.server, flask.Flask):
        client = app.server.test_client(use_cookies=False)
        return client.open(
            path,
            method=method,
            data=data,
            headers=headers,
            query_string=query_string,
        )
    if data is not None:
        headers = {"Content-Length": str(len(data)), **headers}
    url = f"{path}?{query_string}"
    answer = AsgiClient(app.server).request(method, url, data or b"", headers)
    return Response(answer)
