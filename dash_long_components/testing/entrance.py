"""The entrance of a server: polls pass it on their way to the app."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, NoReturn, Protocol

import dash
from werkzeug.wrappers import Response

from ..bridge import backends
from . import asgi
from .asgi import AsgiApp, Message, Receive, Send

_POLL = "_dash-long-jobs/poll"

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]


class Poll(Protocol):
    """A poll on its way to the app.

    Attributes:
        tokens: of its jobs. An answer names the jobs by their positions in the poll.
    """

    tokens: list[str]

    def answer(self) -> Response:
        """Return the answer of the app."""

    def drop(self) -> NoReturn:
        """Break the connection.

        Raises:
            ConnectionError: always; servers treat it as a disconnect of the client.
        """


#: Answers a poll.
Answer = Callable[[Poll], Response]


class Entrance(Protocol):
    """The entrance of a server."""

    def watch(self, choose: Callable[[Poll], Answer]) -> None:
        """Have each poll answered as ``choose`` says."""

    def leave(self) -> None:
        """Let polls pass again."""


def entrance_of(app: dash.Dash) -> Entrance:
    """Return the entrance of an app's server."""
    return _AsgiEntrance(app.server) if backends.is_asgi(app) else _Wsgi(app.server)


class _Wsgi:
    def __init__(self, server: Any) -> None:
        self._server = server
        self._app: Wsgi = server.wsgi_app

    def watch(self, choose: Callable[[Poll], Answer]) -> None:
        self._app = self._server.wsgi_app

        def serve(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
            if not environ["PATH_INFO"].endswith(_POLL):
                return self._app(environ, start_response)
            poll = _WsgiPoll(self._app, environ)
            return choose(poll)(poll)(environ, start_response)

        self._server.wsgi_app = serve

    def leave(self) -> None:
        self._server.wsgi_app = self._app


class _WsgiPoll:
    def __init__(self, app: Wsgi, environ: Environ) -> None:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = BytesIO(body)
        self._app = app
        self._environ = environ
        self.tokens = _tokens_in(body)

    def answer(self) -> Response:
        return Response.from_app(self._app, self._environ, buffered=True)

    def drop(self) -> NoReturn:
        connection = self._environ.get("werkzeug.socket")
        if connection is not None:
            # Otherwise the server keeps the connection open, and the client waits.
            connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError("The test has dropped an answer.")


class _AsgiEntrance:
    def __init__(self, server: Any) -> None:
        self._server = server
        # Quart is made for such wrappers. Starlette makes its stack of middleware,
        # which is below FastAPI, at the first request.
        self._name = "asgi_app" if hasattr(server, "asgi_app") else "middleware_stack"

    def watch(self, choose: Callable[[Poll], Answer]) -> None:
        app = getattr(self._server, self._name) or self._server.build_middleware_stack()
        self._app: AsgiApp = app

        async def serve(scope: Message, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or not scope["path"].endswith(_POLL):
                await app(scope, receive, send)
                return
            poll = _AsgiPoll(app, scope, await _read(receive))
            try:
                response = await asyncio.to_thread(choose(poll), poll)
            except ConnectionError:
                # Servers break the connection when an answer that has begun fails.
                await send(_start(200, [("Content-Length", "1")]))
                raise
            await send(_start(response.status_code, response.headers.to_wsgi_list()))
            await send({"type": "http.response.body", "body": response.get_data()})

        setattr(self._server, self._name, serve)

    def leave(self) -> None:
        setattr(self._server, self._name, self._app)


class _AsgiPoll:
    def __init__(self, app: AsgiApp, scope: Message, body: bytes) -> None:
        self._app = app
        self._scope = scope
        self._body = body
        self._loop = asyncio.get_running_loop()
        self.tokens = _tokens_in(body)

    def answer(self) -> Response:
        answer = asgi.call(self._app, self._scope, self._body)
        found = asyncio.run_coroutine_threadsafe(answer, self._loop).result()
        return Response(found.data, found.status_code, found.headers)

    def drop(self) -> NoReturn:
        raise ConnectionAbortedError("The test has dropped an answer.")


def _tokens_in(body: bytes) -> list[str]:
    asked = json.loads(body)
    # A poll to hold says for how long, too.
    jobs = asked["jobs"] if isinstance(asked, dict) else asked
    return [token for token, _cursor in jobs]


def _start(status: int, headers: Iterable[tuple[str, str]]) -> Message:
    return {
        "type": "http.response.start",
        "status": status,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
    }


async def _read(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body
