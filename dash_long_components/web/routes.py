"""The endpoints: they parse, verify and delegate. The only place that knows Flask."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import flask

from ..core.snapshots import Snapshot
from ..exceptions import StoreUnavailableError
from .app_jobs import AppJobs

logger = logging.getLogger("dash_long_components")

#: Bytes that a request's body may have: room for some thousands of jobs on a page.
MAX_BODY = 256 * 1024

#: Bytes from which on the pieces of an answer are sent one by one: a write for each
#: takes less time than to copy a large result.
LARGE = 64 * 1024

#: The largest number that JavaScript counts to: that of the last snapshot there can be.
MAX_CURSOR = 2**53 - 1

#: Milliseconds: the longest wait that the server suggests, and the shortest for a job
#: that has just begun and for one that has run for a while.
MAX_WAIT, MIN_WAIT, MIN_WAIT_OLD = 60_000, 20, 250


def check_server(server: Any) -> None:
    """See that an app's server is one that the endpoints can be added to.

    Raises:
        ValueError: it is not; the message says what to do.
    """
    if server is None:
        raise ValueError(
            "The app has no server yet. Call app.init_app(server) before "
            "manager.init_app(app)."
        )
    if not isinstance(server, flask.Flask):
        raise ValueError(
            f"Long callbacks need a Dash app on Flask, not on {type(server).__name__}."
        )


def register(server: flask.Flask, prefix: str, jobs: AppJobs) -> None:
    """Add the endpoints of ``jobs`` to a server, under the app's path prefix."""
    base = f"{prefix}_dash-long-jobs"
    for name, view in (("poll", _poll), ("cancel", _cancel)):
        server.add_url_rule(
            f"{base}/{name}",
            endpoint=f"{base}/{name}",
            view_func=_with_body(view, jobs),
            methods=["POST"],
        )
    suites = f"{prefix}_dash-component-suites/"

    def before_request() -> None:
        jobs.register_cancels()
        if flask.request.path.startswith(suites):
            package = flask.request.path.removeprefix(suites).partition("/")[0]
            jobs.serve_library(package)

    server.before_request(before_request)


def _with_body(
    view: Callable[[AppJobs, Any], flask.Response], jobs: AppJobs
) -> Callable[[], flask.Response]:
    """Make a Flask view of a function that takes the parsed body."""

    def respond() -> flask.Response:
        length = flask.request.content_length
        if length is None:
            return _refuse(411, "The request has no Content-Length.")
        if length > MAX_BODY:
            return _refuse(413, f"The body is larger than {MAX_BODY} bytes.")
        try:
            body = json.loads(flask.request.get_data(cache=False))
        except ValueError:
            return _refuse(400, "The body is not JSON.")
        except RecursionError:
            return _refuse(400, "The body is nested too deeply.")
        try:
            return view(jobs, body)
        except StoreUnavailableError as error:
            logger.warning("%s", error)
            return _refuse(503, f"Try again: {error.summary}.")

    return respond


def _poll(jobs: AppJobs, body: Any) -> flask.Response:
    """Answer ``[[token, cursor], ...]`` with what is new, by position."""
    if not (isinstance(body, list) and all(map(_is_reading, body))):
        return _refuse(400, "The body is not a list of [token, cursor].")
    if len({token for token, _ in body}) < len(body):
        # A small request would get a large result many times over.
        return _refuse(400, "The body names a job twice.")
    now = time.time()
    wait = MAX_WAIT
    news: list[bytes] = []
    for position, snapshot in enumerate(jobs.read(body)):
        if snapshot.is_news_since(body[position][1]):
            news += (b",", b'"%d":' % position, *snapshot.to_json())
        if not snapshot.status.is_terminal:
            wait = min(wait, _wait(snapshot, now))
    answer = [b'{"next":%d}' % wait]
    if news:
        answer = [b'{"next":%d,"jobs":{' % wait, *news[1:], b"}}"]
    if sum(map(len, answer)) < LARGE:
        answer = [b"".join(answer)]
    return flask.Response(answer, mimetype="application/json")


def _cancel(jobs: AppJobs, body: Any) -> flask.Response:
    """Cancel the jobs of ``[token, ...]``."""
    if not (isinstance(body, list) and all(isinstance(item, str) for item in body)):
        return _refuse(400, "The body is not a list of tokens.")
    jobs.cancel(body)
    return flask.Response(status=204)


def _wait(snapshot: Snapshot, now: float) -> int:
    """Return the milliseconds after which to ask for a job again.

    Half as long as nothing has changed: a job that has just begun or reports often is
    asked for often, one that has been quiet for long is not. In its first second it is
    a quarter: the end of a short job is noticed late by half as much then.
    """
    quiet = (now - snapshot.changed) * 1000
    if now - snapshot.created < 1:
        return int(min(MAX_WAIT, max(MIN_WAIT, quiet / 4)))
    return int(min(MAX_WAIT, max(MIN_WAIT_OLD, quiet / 2)))


def _is_reading(item: Any) -> bool:
    match item:
        case [str(), int(cursor)]:
            return not isinstance(cursor, bool) and 0 <= cursor < MAX_CURSOR
    return False


def _refuse(status: int, reason: str) -> flask.Response:
    return flask.Response(f"{reason}\n", status, mimetype="text/plain")
