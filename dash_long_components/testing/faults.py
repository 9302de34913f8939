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
    """Makes polls of an app go wrong, one after the other, for a test.

    A context manager; within it each fault is for one poll, in the order in which they
    were asked for, and polls beyond them go as ever::

        with PollFaults(app) as faults:
            faults.drop(2).delay(3).fail(503)
            ...
            assert faults.pending == 0

    Only for an app whose server runs in the test's process, as with ``dash_duo`` and
    ``dash_long_components.testing.Page``.

    Args:
        app: whose polls.
    """

    def __init__(self, app: dash.Dash) -> None:
        self._server = app.server
        self._wsgi: Wsgi = app.server.wsgi_app
        self._lock = threading.Lock()
        self._faults: deque[Callable[[_Poll], Response]] = deque()
        self._kept: deque[_Kept] = deque()

    def __enter__(self) -> PollFaults:
        self._wsgi = self._server.wsgi_app
        self._server.wsgi_app = self._serve
        return self

    def __exit__(self, *_: object) -> None:
        self._server.wsgi_app = self._wsgi

    @property
    def pending(self) -> int:
        """How many faults no poll has met yet."""
        with self._lock:
            return len(self._faults) + len(self._kept)

    def drop(self, times: int = 1) -> PollFaults:
        """Let an answer get lost: the connection breaks off after the server's work."""

        def lose(poll: _Poll) -> Response:
            poll.answer()
            return poll.drop()

        return self._add(times, lose)

    def delay(self, seconds: float, times: int = 1) -> PollFaults:
        """Keep an answer back for a while; it is as old as that when it comes."""

        def wait(poll: _Poll) -> Response:
            response = poll.answer()
            time.sleep(seconds)
            return response

        return self._add(times, wait)

    def fail(
        self, status: int, retry_after: float | None = None, times: int = 1
    ) -> PollFaults:
        """Answer as a proxy would while the app is away; the app hears of nothing.

        Args:
            status: the number of the HTTP status.
            retry_after: seconds for the header ``Retry-After``; None for no header.
            times: for how many polls.
        """
        headers = {} if retry_after is None else {"Retry-After": f"{retry_after:g}"}

        def refuse(_poll: _Poll) -> Response:
            page = "<html>A fault of the test</html>"
            return Response(page, status, headers, mimetype="text/html")

        return self._add(times, refuse)

    def repeat(self, times: int = 1) -> PollFaults:
        """Give an answer to the next poll for the same jobs too, not that one's own."""

        def remember(poll: _Poll) -> Response:
            response = poll.answer()
            self._kept.append(_Kept(poll.tokens, response, after=0))
            return response

        return self._add(times, remember)

    def reorder(self, times: int = 1) -> PollFaults:
        """Let an answer be overtaken.

        Its poll gets none, the next one for the same jobs gets its own, and the one
        after that gets the answer which is older.
        """

        def hold_back(poll: _Poll) -> Response:
            self._kept.append(_Kept(poll.tokens, poll.answer(), after=1))
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
        for kept in self._kept:
            if kept.tokens == poll.tokens:
                if kept.after > 0:
                    kept.after -= 1
                    return None
                self._kept.remove(kept)
                return lambda _poll: kept.response
        return None


class _Poll:
    """A poll on its way to the app."""

    def __init__(self, app: Wsgi, environ: Environ) -> None:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = BytesIO(body)
        self._app = app
        self._environ = environ
        #: Of the jobs that it asks for: an answer names them by their places.
        self.tokens = [token for token, _cursor in json.loads(body)]

    def answer(self) -> Response:
        """Return what the app says."""
        return Response.from_app(self._app, self._environ, buffered=True)

    def drop(self) -> NoReturn:
        """Break the connection off.

        Raises:
            ConnectionError: always; servers take it for the client's.
        """
        connection = self._environ.get("werkzeug.socket")
        if connection is not None:
            # It would be kept for further requests otherwise, and the client wait.
            connection.shutdown(socket.SHUT_RDWR)
        raise ConnectionAbortedError("The test has dropped an answer.")


@dataclass
class _Kept:
    """An answer that is still to come, after so many others."""

    tokens: list[str]
    response: Response
    after: int
