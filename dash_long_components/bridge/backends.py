"""The web framework under an app: Flask, FastAPI or Quart.

Flask is the same for every release of Dash. The others are reached by Dash's own
``app.backend``, and are asynchronous: what blocks runs in a thread there, so that the
event loop goes on with other requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

import dash
import flask

from ..core import module_names
from . import no_server, shutdown
from .event_loop import Wakeup, in_thread

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer to a request.

    Attributes:
        status: of HTTP.
        pieces: of the body.
        mimetype: of the body.
        headers: further ones.
    """

    status: int = 200
    pieces: Sequence[bytes] = ()
    mimetype: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class HeldRequest:
    """A request whose answer waits for something.

    Attributes:
        wakeup: is set when there is an answer.
        seconds: for which it waits.
        answer: returns the answer. It may block.
        otherwise: the answer when the time is over, or the server shuts down.
        begin: is called when the wait begins. It must not block.
        forget: is called when the wait is over, for whatever reason.
    """

    wakeup: Wakeup
    seconds: float
    answer: Callable[[], Answer]
    otherwise: Answer
    begin: Callable[[], None]
    forget: Callable[[], None]


class Endpoint(Protocol):
    """Answers requests. Knows no framework."""

    def refuse(self, length: int | None, mimetype: str) -> Answer | None:
        """Return why a request is refused before its body is read; None to read it.

        Args:
            length: of the body, in bytes; None if the request does not say.
            mimetype: of the body, in lower case; "" if the request does not say.
        """

    def answer(
        self, body: bytes, query: Mapping[str, str], wakeup: Wakeup | None
    ) -> Answer | HeldRequest:
        """Answer a request, or hold it. It may block.

        Args:
            body: of the request.
            query: the last value of each parameter in its address.
            wakeup: for a request to hold; None where requests can't be held.
        """


#: Called with the path of a request. Returns what of the work blocks, or None.
Hook = Callable[[str], Callable[[], None] | None]


class Backend(Protocol):
    """A web framework."""

    def add_endpoint(self, path: str, endpoint: Endpoint, method: str) -> None:
        """Answer requests of a method to a path."""

    def before_request(self, hook: Hook) -> None:
        """Call a hook before each request of the app's pages."""


def of(app: dash.Dash) -> Backend:
    """Return the framework of an app.

    Raises:
        ValueError: the app has none yet, or one that Dash does not know.
    """
    if app.server is None:
        raise ValueError(
            "The app has no server yet. Call app.init_app(server) before "
            "manager.init_app(app)."
        )
    if not is_asgi(app):
        return _Flask(app.server)
    if hasattr(app, "backend"):  # since Dash 4.2
        no_server.refuse_asgi()
        return _Asgi(app.backend)
    raise ValueError(
        f"Dash {dash.__version__} serves an app by Flask alone, not by "
        f"{type(app.server).__name__}. Install dash>=4.2, or pass a Flask server."
    )


def is_asgi(app: dash.Dash) -> bool:
    """Return whether the server of an app is asynchronous."""
    return not isinstance(app.server, flask.Flask)


class _Flask:
    """Flask. A request has a thread of its own, which may block."""

    def __init__(self, server: flask.Flask) -> None:
        self._server = server

    def add_endpoint(self, path: str, endpoint: Endpoint, method: str) -> None:
        def view() -> flask.Response:
            request = flask.request
            answer = endpoint.refuse(request.content_length, request.mimetype)
            if answer is None:
                body = request.get_data(cache=False)
                answer = cast(Answer, endpoint.answer(body, request.args, None))
            return flask.Response(
                answer.pieces,
                answer.status,
                answer.headers,
                mimetype=answer.mimetype,
            )

        self._server.add_url_rule(path, path, view, methods=[method])

    def before_request(self, hook: Hook) -> None:
        def call() -> None:
            blocking = hook(flask.request.path)
            if blocking is not None:
                blocking()

        self._server.before_request(call)


class _Asgi:
    """FastAPI or Quart, by Dash's abstraction of them."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def add_endpoint(self, path: str, endpoint: Endpoint, method: str) -> None:
        async def view() -> Any:
            adapter = self._backend.request_adapter()
            headers = adapter.headers
            answer = endpoint.refuse(_length(headers), _mimetype(headers))
            if answer is None:
                answer = await _answer(endpoint, adapter._request, adapter.args)
            return self._response(answer)

        self._backend.add_url_rule(path, view, endpoint=path, methods=[method])

    def before_request(self, hook: Hook) -> None:
        async def call() -> None:
            blocking = hook(self._backend.request_adapter().path)
            if blocking is not None:
                await in_thread(blocking)

        self._backend.before_request(call)

    def _response(self, answer: Answer) -> Any:
        response = self._backend.make_response(
            b"".join(answer.pieces), mimetype=answer.mimetype, status=answer.status
        )
        for name, value in answer.headers.items():
            response.headers[name] = value
        return response


def wrap_view(
    app: dash.Dash, path: str, wrap: Callable[[Callable[[], Any]], Callable[[], Any]]
) -> None:
    """Replace what answers POST requests to a path, on FastAPI or Quart.

    Args:
        app: has such a path.
        path: of the server.
        wrap: returns an asynchronous view for the current one.
    """
    endpoint = f"{path}:POST"
    if hasattr(app.server, "view_functions"):
        views = app.server.view_functions
        views[endpoint] = wrap(views[endpoint])
        return
    routes = app.server.router.routes
    (view,) = (route.endpoint for route in routes if route.name == endpoint)
    app.backend.add_url_rule(path, wrap(view), endpoint=path, methods=["POST"])
    # The first route that matches answers.
    routes.insert(0, routes.pop())


def _length(headers: Mapping[str, str]) -> int | None:
    try:
        return int(headers.get("content-length", ""))
    except ValueError:
        return None


def _mimetype(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


async def _body(request: Any) -> bytes:
    """Return the body of a request of FastAPI or Quart.

    On FastAPI, Dash's middleware may have read it. Then the request remembers it.
    """
    if hasattr(request, "get_data"):
        body = await request.get_data(cache=False)
    else:
        body = await request.body()
    return bytes(body)


async def _answer(endpoint: Endpoint, request: Any, query: Mapping[str, str]) -> Answer:
    """Return the answer to a request of FastAPI or Quart."""
    body = await _body(request)
    wakeup = None if shutdown.has_begun() else Wakeup()
    answer = await in_thread(endpoint.answer, body, query, wakeup)
    return await _hold(answer, request) if isinstance(answer, HeldRequest) else answer


async def _hold(held: HeldRequest, request: Any) -> Answer:
    """Return the answer to a request when there is one, or its time is over.

    A thread does the work before and after that. None is taken while it waits.
    """
    news = asyncio.ensure_future(held.wakeup.wait())
    waits: list[asyncio.Future[Any]] = [news]
    # Not in the thread before: the request may be cancelled while that runs.
    held.begin()
    try:
        with shutdown.waking(held.wakeup):
            if hasattr(request, "receive"):
                # Starlette does not cancel a request whose client has gone, as Quart
                # does. Its next message says so: the body has been read.
                waits.append(asyncio.ensure_future(request.receive()))
            await asyncio.wait(
                waits, timeout=held.seconds, return_when=asyncio.FIRST_COMPLETED
            )
            is_over = shutdown.has_begun()
    finally:
        for wait in waits:
            wait.cancel()
        held.forget()
    if news.done() and not (news.cancelled() or is_over):
        return await in_thread(held.answer)
    return held.otherwise


def describe(server: Any) -> str | None:
    """Return a name for a server, the same in every process; None for another object.

    FastAPI's servers have no name but their title.
    """
    kind = type(server).__module__.partition(".")[0]
    if kind not in ("fastapi", "flask", "quart"):
        return None
    name = getattr(server, "import_name", None) or getattr(server, "title", None)
    if name is None:
        return None
    return f"{type(server).__name__}:{module_names.importable_name(name)}"
