"""Faults on the way between a page and the endpoint that it polls."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

import dash
from werkzeug.wrappers import Response

from .entrance import Answer, Poll, entrance_of


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
        self._entrance = entrance_of(app)
        self._lock = threading.Lock()
        self._faults: deque[Answer] = deque()
        self._delayed: deque[_Delayed] = deque()

    def __enter__(self) -> PollFaults:
        self._entrance.watch(self._choose)
        return self

    def __exit__(self, *_: object) -> None:
        self._entrance.leave()

    @property
    def pending(self) -> int:
        """The number of faults that no poll has met yet."""
        with self._lock:
            return len(self._faults) + len(self._delayed)

    def drop(self, times: int = 1) -> PollFaults:
        """Lose the answer: break the connection after the server's work.

        Args:
            times: number of polls.
        """

        def lose(poll: Poll) -> Response:
            poll.answer()
            return poll.drop()

        return self._add(times, lose)

    def delay(self, seconds: float, times: int = 1) -> PollFaults:
        """Hold the answer back for a while, so that it arrives old.

        Args:
            seconds: for how many seconds.
            times: number of polls.
        """

        def wait(poll: Poll) -> Response:
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

        def refuse(_poll: Poll) -> Response:
            page = "<html>A fault of the test</html>"
            return Response(page, status, headers, mimetype="text/html")

        return self._add(times, refuse)

    def repeat(self, times: int = 1) -> PollFaults:
        """Give an answer twice: the next poll for the same jobs gets it again.

        Args:
            times: number of polls.
        """

        def remember(poll: Poll) -> Response:
            response = poll.answer()
            self._delayed.append(_Delayed(poll.tokens, response, after=0))
            return response

        return self._add(times, remember)

    def reorder(self, times: int = 1) -> PollFaults:
        """Let a later answer overtake this one.

        The poll gets no answer, the next one for the same jobs gets its own, and the
        one after that gets this older answer.

        Args:
            times: number of polls.
        """

        def delay(poll: Poll) -> Response:
            self._delayed.append(_Delayed(poll.tokens, poll.answer(), after=1))
            return poll.drop()

        return self._add(times, delay)

    def _add(self, times: int, fault: Answer) -> PollFaults:
        with self._lock:
            self._faults.extend([fault] * times)
        return self

    def _choose(self, poll: Poll) -> Answer:
        with self._lock:
            return self._old_answer(poll) or self._fault() or _pass

    def _fault(self) -> Answer | None:
        return self._faults.popleft() if self._faults else None

    def _old_answer(self, poll: Poll) -> Answer | None:
        for each in self._delayed:
            if each.tokens == poll.tokens:
                if each.after > 0:
                    each.after -= 1
                    return None
                self._delayed.remove(each)
                return lambda _poll: each.response
        return None


def _pass(poll: Poll) -> Response:
    return poll.answer()


@dataclass
class _Delayed:
    """An answer for a later poll, after so many others."""

    tokens: list[str]
    response: Response
    after: int
