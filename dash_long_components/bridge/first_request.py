"""The first request to an app on Flask: the others wait until it has set the app up.

Dash before 4.5 marks an app as set up before it is. A server with threads answers
requests that arrive meanwhile: without this, scripts of the page get the status 500,
and a callback gets "not found". Dash 4.5 has a lock, for which a request of the layout
to its own server waits, too. On FastAPI and Quart the event loop sets the app up,
without a gap.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import dash
import flask


def let_others_wait(app: dash.Dash) -> None:
    """Let requests to an app on Flask wait for its first one. Idempotent."""
    if not isinstance(app.server, flask.Flask):
        return
    set_up: Callable[[], None] = app._setup_server
    hooks: list[Any] = app.server.before_request_funcs.get(None, [])
    if set_up in hooks:
        paths = f"{app.config.routes_pathname_prefix}_dash-"
        hooks[hooks.index(set_up)] = _SetUp(set_up, paths).before_request


#: Seconds for which a request waits. A layout that itself sends such a request to its
#: server would wait for ever.
LONGEST_WAIT = 30.0


class _SetUp:
    """Sets an app up in one thread, while the others wait.

    A request to another path than Dash's own does not wait: the layout of an app may
    send one to its server, and needs the answer. Neither does a probe.

    Args:
        set_up: sets the app up. Returns at once from the second call on.
        paths: what all of Dash's own paths begin with.
    """

    def __init__(self, set_up: Callable[[], None], paths: str) -> None:
        self._set_up = set_up
        self._paths = paths
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._is_over = False

    def before_request(self) -> None:
        me = threading.get_ident()
        if self._is_over or self._thread == me:
            return
        if self._lock.acquire(timeout=LONGEST_WAIT if self._must_wait() else 0):
            try:
                self._thread = me
                self._set_up()
                # After an error, Dash sets the app up at the next request, since 4.5.
                self._is_over = True
            finally:
                self._thread = None
                self._lock.release()

    def _must_wait(self) -> bool:
        path = flask.request.path
        return path.startswith(self._paths) and not path.endswith("/health")
