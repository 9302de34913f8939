"""The request that runs a long callback: its app, its body, and what its answer needs.

Dash gives a callback neither. It looks up the callback of every request in one place,
whether the request came over HTTP, a WebSocket or MCP.
"""

from __future__ import annotations

import json
import uuid
import weakref
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import dash

from . import backends, event_loop, internals, marks, websocket

#: The path of a page's callback requests, below the app's own.
_UPDATE = "_dash-update-component"


@dataclass
class CallbackRequest:
    """A request that runs a long callback.

    Attributes:
        app: has the callback.
        body: as the page sent it.
        libraries: component libraries that the answer needs.
    """

    app: dash.Dash
    body: Mapping[str, Any]
    libraries: list[str] = field(default_factory=list)
    _texts: dict[str, str] = field(default_factory=dict)

    def carry(self, text: str) -> str:
        """Return a mark that is JSON text in the answer, which Dash does not parse."""
        mark = uuid.uuid4().hex
        self._texts[f'"{mark}"'] = text
        return mark

    def complete(self, answer: str) -> str:
        """Return Dash's answer with the texts that it carries.

        And with the files of the libraries, to load before it. They are imported only
        now: Dash lets no callback do that.
        """
        if self.libraries:
            files = internals.library_files(self.app, self.libraries)
            answer = json.dumps({**json.loads(answer), "dist": files})
        for mark, text in self._texts.items():
            answer = answer.replace(mark, text, 1)
        return answer


_current: ContextVar[CallbackRequest | None] = ContextVar(
    "callback request", default=None
)

#: The apps whose requests are known.
_observed: weakref.WeakSet[dash.Dash] = weakref.WeakSet()


def current() -> CallbackRequest | None:
    """Return the request that runs the current callback; None outside of one.

    ``dash.get_app()`` does not tell its app: it may return the one that was made last.
    """
    return _current.get()


def observe(app: dash.Dash) -> None:
    """Make the requests of an app known to its long callbacks. Idempotent."""
    if app in _observed:
        return
    _observed.add(app)
    websocket.listen()
    prepare: Callable[[Any, Any], Callable[..., str]] = app._prepare_callback

    def prepare_callback(context: Any, body: Any) -> Any:
        callback = prepare(context, body)
        if not marks.is_marked(callback):
            return callback
        return _Run(callback, CallbackRequest(app, body), context)

    app._prepare_callback = prepare_callback  # type: ignore[assignment, method-assign]


@dataclass(frozen=True)
class _Run:
    """Replaces Dash's own function for one request."""

    callback: Callable[..., str]
    request: CallbackRequest
    context: Any

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the callback.

        Returns:
            Dash's answer, or a coroutine of it: asynchronous servers run synchronous
            callbacks on the event loop, where a store that is locked would stop every
            page. MCP awaits no coroutine.
        """
        if "path" not in self.context:
            self.context.update(websocket.describe())
        is_page = urlsplit(self.context.get("path") or "").path.endswith(_UPDATE)
        is_asgi = backends.is_asgi(self.request.app)
        if is_asgi and is_page and event_loop.is_on_event_loop():
            return event_loop.in_thread(self._run, args, kwargs)
        return self._run(args, kwargs)

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        token = _current.set(self.request)
        try:
            answer = self.callback(*args, **kwargs)
        finally:
            _current.reset(token)
        return self.request.complete(answer)
