"""A client of an asynchronous server in the test's process."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

T = TypeVar("T")

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Message, Receive, Send], Awaitable[None]]


@dataclass
class AsgiResponse:
    """The answer of an asynchronous server.

    Attributes:
        status_code: of HTTP.
        headers: names in lower case.
        data: the body.
        complete: set when the server has sent all of it.
    """

    status_code: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    data: bytes = b""
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.data.decode(errors="replace")

    async def send(self, message: Message) -> None:
        """Take what the server sends."""
        if message["type"] == "http.response.start":
            self.status_code = message["status"]
            self.headers = [
                (name.decode("latin-1").lower(), value.decode("latin-1"))
                for name, value in message.get("headers", ())
            ]
        elif message["type"] == "http.response.body":
            self.data += message.get("body", b"")
            if not message.get("more_body", False):
                self.complete.set()


class AsgiClient:
    """Sends requests to an asynchronous server, without a network.

    Each request has an event loop of its own. An exception of the server is raised
    here.

    Args:
        server: an ASGI application.
        headers: of each request, for instance cookies.
    """

    def __init__(self, server: AsgiApp, headers: Mapping[str, str] = {}) -> None:
        self._server = server
        self._headers = dict(headers)

    def get(self, url: str) -> AsgiResponse:
        """Send a GET request.

        Args:
            url: path and query.
        """
        return self.request("GET", url)

    def post(self, url: str, json: Any = None, data: bytes = b"") -> AsgiResponse:
        """Send a POST request with a JSON value, or with the text of one.

        Args:
            url: path and query.
            json: the value.
            data: its text, instead of ``json``.
        """
        return self.request("POST", url, data or _to_json(json))

    def request(
        self,
        method: str,
        url: str,
        data: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> AsgiResponse:
        """Send a request.

        Args:
            method: of HTTP.
            url: path and query.
            data: the body.
            headers: instead of those of a JSON text.
        """
        if headers is None:
            headers = {
                "content-type": "application/json",
                "content-length": str(len(data)),
            }
        headers = {"host": "localhost", **self._headers, **headers}
        return run(call(self._server, scope_of(method, url, headers), data))


def scope_of(method: str, url: str, headers: Mapping[str, str]) -> Message:
    """Return the scope of a request, as ASGI describes it."""
    parts = urlsplit(url)
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(parts.path),
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [
            (name.lower().encode("latin-1"), value.encode("latin-1"))
            for name, value in headers.items()
        ],
        "client": ("127.0.0.1", 0),
        "server": ("localhost", 80),
    }


async def call(server: AsgiApp, scope: Message, body: bytes) -> AsgiResponse:
    """Call a server with a request, and return all that it sends."""
    response = AsgiResponse()
    await server(scope, receiving(body, response), response.send)
    return response


def receiving(body: bytes, response: AsgiResponse) -> Receive:
    """Return a ``receive`` that sends a body once.

    The client stays connected until it has the whole response.
    """
    has_sent = False

    async def receive() -> Message:
        nonlocal has_sent
        if has_sent:
            await response.complete.wait()
            return {"type": "http.disconnect"}
        has_sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a new thread.

    The current one may already run an event loop.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(asyncio.run(coroutine))
        except BaseException as error:  # raised again by the caller
            errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _to_json(value: Any) -> bytes:
    return json.dumps(value).encode()
