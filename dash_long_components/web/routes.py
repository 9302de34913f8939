"""The endpoints. They check requests, and delegate."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash

from ..bridge import backends, first_request
from ..bridge.backends import Answer, HeldRequest
from ..bridge.event_loop import Wakeup
from ..core import questions
from ..core.quantities import MAX_JS_INTEGER
from ..core.snapshots import Snapshot
from ..core.status import Status
from ..exceptions import QuestionOverError
from . import metrics
from .admin import AdminEndpoint
from .app_jobs import AppJobs
from .health import HealthEndpoint
from .held_polls import HeldPoll
from .refusals import answer_or_refusal, refuse

#: The largest body of a request, in bytes: room for thousands of jobs on a page.
MAX_BODY = 256 * 1024

#: The size in bytes from which an answer goes out in pieces. A write of each piece
#: takes less time than a copy of a large result.
LARGE = 64 * 1024

#: The size in bytes from which an answer gets no further jobs, and no result is loaded:
#: their news comes with the next poll. One job's news may be larger.
MAX_ANSWER = 16 * 1024 * 1024

#: The wait that the server suggests, in milliseconds: the longest, the shortest for a
#: new job, and the shortest for one older than a second.
MAX_WAIT, MIN_WAIT, MIN_WAIT_OLD = 60_000, 20, 250

#: The wait for a job whose manager is not responding, in milliseconds.
UNREACHABLE_WAIT = 2000


#: The longest time for which a poll is held, in milliseconds. Proxies cut a request
#: without an answer, mostly after 30 or 60 seconds.
MAX_HOLD = 25_000

#: The wait before the next poll that is held, in milliseconds, after news of a running
#: job that is older than a second. It limits the answers to a job that reports often.
HOLD_WAIT = 250


def register(app: dash.Dash, jobs: AppJobs) -> None:
    """Add the endpoints of ``jobs`` to an app's server, under the app's path prefix."""
    backend = backends.of(app)
    first_request.let_others_wait(app)
    prefix = app.config.routes_pathname_prefix
    views = {
        "poll": _poll,
        "cancel": _cancel,
        "answer": _answer_question,
        "jobs": _jobs,
    }
    for name, view in views.items():
        path = f"{prefix}_dash-long-jobs/{name}"
        backend.add_endpoint(path, _Endpoint(view, jobs), "POST")
    health_path = f"{prefix}_dash-long-jobs/health"
    backend.add_endpoint(health_path, HealthEndpoint(jobs), "GET")
    backend.add_endpoint(f"{prefix}_dash-long-jobs/admin", AdminEndpoint(jobs), "POST")
    suites = f"{prefix}_dash-component-suites/"

    def before_request(path: str) -> Callable[[], None] | None:
        if AppJobs.of(app) is not jobs:  # The app has got another server.
            return None
        jobs.complete()
        if not path.startswith(suites):
            return None
        package = path.removeprefix(suites).partition("/")[0]
        return lambda: jobs.serve_library(package)

    backend.before_request(before_request)


@dataclass(frozen=True)
class _Endpoint:
    """Checks the body of a request, and answers it by a function."""

    view: Callable[[AppJobs, Any, Wakeup | None], Answer | HeldRequest]
    jobs: AppJobs

    def refuse(self, length: int | None, mimetype: str) -> Answer | None:
        if length is None:
            return refuse(411, "The request has no Content-Length.")
        if length > MAX_BODY:
            return refuse(413, f"The body is larger than {MAX_BODY} bytes.")
        return None

    def answer(
        self, body: bytes, query: Mapping[str, str], wakeup: Wakeup | None
    ) -> Answer | HeldRequest:
        try:
            parsed = json.loads(body)
        except ValueError:
            return refuse(400, "The body is not JSON.")
        except RecursionError:
            return refuse(400, "The body is nested too deeply.")
        return answer_or_refusal(lambda: self.view(self.jobs, parsed, wakeup))


def _poll(jobs: AppJobs, body: Any, wakeup: Wakeup | None) -> Answer | HeldRequest:
    """Answer ``[[token, cursor], ...]`` with the news, by position.

    Or hold ``{"hold": ms, "jobs": [[token, cursor], ...]}`` until there are any.
    """
    hold, readings = 0, body
    if isinstance(body, dict) and body.keys() == {"hold", "jobs"}:
        hold, readings = body["hold"], body["jobs"]
        if type(hold) is not int or not 0 <= hold <= MAX_HOLD:
            return refuse(400, f"hold is not a number of ms up to {MAX_HOLD}.")
    if not (isinstance(readings, list) and all(map(_is_reading, readings))):
        return refuse(400, "The body is not a list of [token, cursor].")
    if len({token for token, _ in readings}) < len(readings):
        # A small request would get one large result many times.
        return refuse(400, "The body names a job twice.")
    metrics.count_poll()
    if not jobs.held_polls.has_room:
        wakeup = None
    snapshots = jobs.read(readings, MAX_ANSWER)
    if hold and readings and wakeup is not None:
        poll = jobs.hold(readings, snapshots, wakeup)
        if poll is not None:
            return _held(jobs, readings, poll, hold / 1000)
    return _answer(readings, snapshots, can_hold=wakeup is not None)


def _held(
    jobs: AppJobs, readings: Sequence[tuple[str, int]], poll: HeldPoll, seconds: float
) -> HeldRequest:
    """Hold a poll. The answer is that of a poll at its end, for its user then."""
    return HeldRequest(
        wakeup=poll.wakeup,
        seconds=seconds,
        answer=lambda: answer_or_refusal(
            lambda: _answer(readings, jobs.read(readings, MAX_ANSWER), can_hold=True)
        ),
        otherwise=_answer([], [], can_hold=True),
        begin=lambda: jobs.held_polls.add(poll),
        forget=lambda: jobs.held_polls.remove(poll),
    )


def _answer(
    readings: Sequence[tuple[str, int]],
    snapshots: Sequence[Snapshot | None],
    can_hold: bool,
) -> Answer:
    """Return the answer to a poll."""
    now = time.time()
    news = _News(can_hold)
    for position, snapshot in enumerate(snapshots):
        if snapshot is None:
            news.unreachable.append(position)
            news.wait_at_most(UNREACHABLE_WAIT)
            continue
        if snapshot.is_news_since(readings[position][1]):
            news.add(position, snapshot)
        if not snapshot.status.is_terminal:
            news.wait_at_most(_wait(snapshot, now))
    pieces = news.to_pieces()
    if sum(map(len, pieces)) < LARGE:
        pieces = [b"".join(pieces)]
    return Answer(pieces=pieces, mimetype="application/json")


class _News:
    """The body of the answer to a poll.

    Attributes:
        unreachable: positions of the jobs whose manager is not responding.

    Args:
        can_hold: whether the server can hold the next poll.
    """

    def __init__(self, can_hold: bool) -> None:
        self.unreachable: list[int] = []
        self._hold: int | None = MIN_WAIT if can_hold else None
        self._wait = MAX_WAIT
        self._news: list[bytes] = []
        self._size = 0

    def add(self, position: int, snapshot: Snapshot) -> None:
        """Add the news of a job, or let the page ask again at once if it is full."""
        if self._size >= MAX_ANSWER or snapshot.load_result is not None:
            self.wait_at_most(MIN_WAIT)
            return
        pieces = snapshot.to_pieces()
        self._news += (b",", b'"%d":' % position, *pieces)
        self._size += sum(map(len, pieces))
        if self._hold is not None and _is_report(snapshot):
            self._hold = HOLD_WAIT

    def wait_at_most(self, wait: int) -> None:
        """Let the page wait so many milliseconds at most until its next poll."""
        self._wait = min(self._wait, wait)

    def to_pieces(self) -> list[bytes]:
        """Return the wire format, in pieces."""
        pieces = [b'{"next":%d' % self._wait]
        if self._hold is not None and not self.unreachable:
            pieces.append(b',"hold":%d' % self._hold)
        if self.unreachable:
            pieces.append(b',"unreachable":%s' % json.dumps(self.unreachable).encode())
        if self._news:
            pieces += (b',"jobs":{', *self._news[1:], b"}")
        return [*pieces, b"}"]


def _cancel(jobs: AppJobs, body: Any, _wakeup: Wakeup | None) -> Answer:
    """Cancel the jobs of ``[token, ...]``."""
    if not (isinstance(body, list) and all(isinstance(item, str) for item in body)):
        return refuse(400, "The body is not a list of tokens.")
    jobs.cancel(body)
    return Answer(status=204)


def _answer_question(jobs: AppJobs, body: Any, _wakeup: Wakeup | None) -> Answer:
    """Answer a question of a job by ``{"token": ..., "question": ..., "answer": ...}``.

    A token that is invalid or another user's is refused like an answer that is late.
    """
    match body:
        case {
            "token": str(token),
            "question": str(question),
            "answer": str(answer),
            **rest,
        } if not rest and len(answer) <= questions.MAX_ANSWER:
            try:
                jobs.answer(token, question, answer)
            except QuestionOverError:
                return refuse(409, "No job waits for this answer.")
            except ValueError as error:
                return refuse(400, str(error))
            return Answer(status=204)
    return refuse(400, "The body is not a token, a question and its answer.")


def _jobs(jobs: AppJobs, body: Any, _wakeup: Wakeup | None) -> Answer:
    """Answer ``{}`` with the jobs of the user, ``{"link": token}`` with that of a link.

    A link that is invalid, another user's or to a job that is gone has none.
    """
    found: list[dict[str, Any]] | None
    match body:
        case {"link": str(token), **rest} if not rest:
            job = jobs.linked(token)
            found = [] if job is None else [job]
        case {} if body == {}:
            found = jobs.listed()
        case _:
            return refuse(400, 'The body is neither {} nor {"link": token}.')
    text = json.dumps({"jobs": found}, separators=(",", ":"))
    return Answer(pieces=[text.encode()], mimetype="application/json")


def _wait(snapshot: Snapshot, now: float) -> int:
    """Return the milliseconds until the next poll for a job.

    It is half the time since the last change. So a page polls often for a job that is
    new or reports often, and seldom for a quiet one. In the first second it is a
    quarter: the page then sees the end of a short job with half the delay.
    """
    quiet = (now - snapshot.changed) * 1000
    if now - snapshot.created < 1:
        return int(min(MAX_WAIT, max(MIN_WAIT, quiet / 4)))
    return int(min(MAX_WAIT, max(MIN_WAIT_OLD, quiet / 2)))


def _is_report(snapshot: Snapshot) -> bool:
    """Return whether a job older than a second has reported, and may again soon."""
    is_old = snapshot.changed - snapshot.created > 1
    is_running = snapshot.status is Status.RUNNING
    return is_running and is_old and not snapshot.has_begun


def _is_reading(item: Any) -> bool:
    match item:
        case [str(), int(cursor)]:
            # An answer may have the next one.
            return not isinstance(cursor, bool) and 0 <= cursor < MAX_JS_INTEGER
    return False
