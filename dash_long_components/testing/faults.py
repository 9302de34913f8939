"""Faults on the way between a page and the endpoint that it polls."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NoReturn

import dash
from werkzeug.wrappers import Response

_POLL = "_dash-long-jobs/poll"

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]


class PollFaults:
    """Makes the next polls of an app go wrong, for a test.

    A context manager. Within it, each fault applies to one poll, in the order of the
    calls. Later polls work as usual::

        with PollFaults(app) as faults:
            faults.drop(2).delay(3).fail(503)
            ...
            assert faults.pending == 0

    The app's server must run in the test's process, as with ``dash_duo`` and
    ``dash_long_components.testing.Page``.

    Args:
        app: receives the polls.
    """

    def __init__(self, app: dash.Dash) -> None:
        self._server = app.server
        self._wsgi: Wsgi = app.server.wsgi_app
        self._lock = threading.Lock()
        self._faults: deque[Callable[[_Poll], Response]] = deque()
        self._held_back: deque[_HeldBack] = deque()

    def __enter__(self) -> PollFaults:
        self._wsgi = self._server.wsgi_app
        self._server.wsgi_app = self._serve
        return self

    def __exit__(self, *_: object) -> None:
        self._server.wsgi_app = self._wsgi

    @property
    def pending(self) -> int:
        """The number of faults that no poll has met yet."""
        with self._lock:
            return len(self._faults) + len(self._held_back)

    def drop(self, times: int = 1) -> PollFaults:
        """Lose the answer: break the connection after the server's work."""

        def lose(poll: _Poll) -> Response:
            poll.answer()
            return poll.drop()

        return self._add(times, lose)

    def delay(self, seconds: float, times: int = 1) -> PollFaults:
        """Hold the answer back for a while, so that it arrives old."""

        def wait(poll: _Poll) -> Response:
            response = poll.answer()
            time.sleep(seconds)
            return response

        return self._add(times, wait)

    def fail(
        self, status: int, retry_after: float | None = None, times: int = 1
    ) -> PollFaults:
        """Answer as a proxy does while the app is away. The app gets no request.

        Args:
            status: the number of the HTTP status, such as 503.
            retry_after: seconds for the header ``Retry-After``; None for no header.
            times: number of polls.
        """
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}

        def refuse(_poll: _Poll) -> Response:
            page = "<html>A fault of the test</html>"
            return Response(page, status, headers, mimetype="text/html")

        return self._add(times, refuse)

    def repeat(self, times: int = 1) -> PollFaults:
        """Give an answer twice: the next poll for the same jobs gets it again."""

        def remember(poll: _Poll) -> Response:
            response = poll.answer()
            self._held_back.append(_HeldBack(poll.tokens, response, after=0))
            return response

        return self._add(times, remember)

    def reorder(self, times: int = 1) -> PollFaults:
        """Let a later answer overtake this one.

        The poll gets no answer, the next one for the same jobs gets its own, and the
        one after that gets this older answer.
        """

        def hold_back(poll: _Poll) -> Response:
            self._held_back.append(_HeldBack(poll.tokens, poll.answer(), after=1))
            return poll.drop()

        return self._add(times, hold_back)

    def _add(self, times: int, fault: Callable[[_Poll], Response]) -> PollFaults:
        with self._lock:
            self._faults.extend([fault] * times)
        return self

    def _serve(
        self, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        if not environ["PATH_INFO"].endswith(_POLL):
            return self._wsgi(environ, start_response)
        poll = _Poll(self._wsgi, environ)
        with self._lock:
            answer = self._old_answer(poll) or self._fault() or _Poll.answer
        return answer(poll)(environ, start_response)

    def _fault(self) -> Callable[[_Poll], Response] | None:
        return self._faults.popleft() if self._faults else None

    def _old_answer(self, poll: _Poll) -> Callable[[_Poll], Response] | None:
        for held in self._held_back:
            if held.tokens == poll.tokens:
                if held.after > 0:
                    held.after -= 1
                    return None
                self._held_back.remove(held)
                return lambda _poll: held.response
        return None


class _Poll:
    """A poll on its way to the app."""

    def __init__(self, app: Wsgi, environ: Environ) -> None:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = BytesIO(body)
        self._app = app
        self._environ = environ
        #: Of its jobs. An answer names the jobs by their positions in the poll.
        self.tokens = [token for token, _cursor in json.loads(body)]

    def answer(self) -> Response:
        """Return the answer of the app."""
        return Response.from_app(self._app, self._environ, buffered=True)

    def drop(self) -> NoReturn:
        """Break the connection.

        Raises:
            ConnectionError: always; servers treat it as a disconnect of the client.
        """
        connection = self._environ.get("werkzeug.socket")
        if connection is not None:
            # Otherwise the server keeps the connection open, and the client waits.
            connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError("The test has dropped an answer.")


@dataclass
class _HeldBack:
    """An answer for a later poll, after so many others."""

    tokens: list[str]
    response: Response
    after: int
