"""The endpoint of operators: one page of jobs, and what holds them back."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..bridge.backends import Answer
from ..bridge.event_loop import Wakeup
from ..core import overview, search
from ..core.owners import owner_of
from ..core.quantities import MAX_JS_INTEGER
from ..core.search import Order, Search
from ..core.status import Status
from ..exceptions import JobNotFoundError, MissingManagerError, UnknownTaskError
from ..managers.base import LongCallbackManager
from .app_jobs import AppJobs
from .refusals import answer_or_refusal, refuse

#: Jobs that one answer has at most, and jobs that one request may change.
MAX_ROWS = 1000

#: The largest body of a request, in bytes: room for the ids of ``MAX_ROWS`` jobs. Of a
#: larger one an operator learns, up to the size that the server reads.
_MAX_BODY, _MAX_READ = 64 * 1024, 256 * 1024

#: Seconds for which a key is that of the last look.
_DAY = 86_400

_ORDERS = ("created", "status", "task")

#: Refuses everyone who is no operator, as a server without this endpoint does.
_NOT_FOUND = Answer(status=404, pieces=[b"Not found.\n"], mimetype="text/plain")


class _Wrong(Exception):
    """The body of a request has a wrong value."""


@dataclass(frozen=True)
class AdminEndpoint:
    """Answers operators alone. Everyone else gets a 404, whatever the request is."""

    jobs: AppJobs

    def refuse(self, length: int | None, mimetype: str) -> Answer | None:
        """Refuse what no page of operators sends. The user is not known yet.

        A page of another site can't send JSON without asking the browser first.
        """
        is_read = length is not None and length <= _MAX_READ
        return None if is_read and mimetype == "application/json" else _NOT_FOUND

    def answer(
        self, body: bytes, query: Mapping[str, str], wakeup: Wakeup | None
    ) -> Answer:
        if not self.jobs.operators.include_sender():
            return _NOT_FOUND
        if len(body) > _MAX_BODY:
            return refuse(413, f"The body is larger than {_MAX_BODY} bytes.")
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError):
            return refuse(400, "The body is not JSON.")
        try:
            return answer_or_refusal(
                lambda: _json(_Request(self.jobs, parsed).answer())
            )
        except _Wrong as error:
            return refuse(400, str(error))


def _json(value: Any) -> Answer:
    return Answer(
        pieces=[json.dumps(value, separators=(",", ":")).encode()],
        mimetype="application/json",
        headers={"Cache-Control": "no-store"},
    )


class _Request:
    """A request of an operator, to one manager of the app.

    Args:
        jobs: of the app.
        body: of the request.

    Raises:
        _Wrong: the body names no manager of the app.
    """

    def __init__(self, jobs: AppJobs, body: Any) -> None:
        self._managers = jobs.managers()
        self._jobs = jobs
        self._body: dict[str, Any] = body if isinstance(body, dict) else {}
        name = self._body.get("manager") or next(iter(self._managers), None)
        if not isinstance(name, str) or name not in self._managers:
            raise _Wrong(f"The app has no manager {name!r}.")
        self._name = name
        self._manager = self._managers[name]

    def answer(self) -> Any:
        """Return the answer, as JSON data.

        Raises:
            _Wrong: the body has a wrong value.
            StoreError: the manager does not respond.
        """
        match self._body:
            case {"look": dict(look)}:
                return self._look(look)
            case {"cancel": list(ids)}:
                return self._act(self._cancel, _texts(ids))
            case {"retry": list(ids)}:
                return self._act(self._retry, _texts(ids))
            case {"pause": list(tasks)}:
                return self._act(self._pause, _texts(tasks))
            case {"resume": list(tasks)}:
                return self._act(_each(self._manager.resume), _texts(tasks))
            case {"drain": int(seconds)} if 0 <= seconds <= _DAY:
                return self._act(_each(self._manager.drain), [seconds])
        raise _Wrong("The body has no look, cancel, retry, pause, resume or drain.")

    def _key(self, age: int = 0) -> str:
        """Return what a change has to send back. Pages of other sites can't read it.

        Args:
            age: of the key, in days.
        """
        day = int(time.time() / _DAY) - age
        text = f"admin {day} {self._jobs.users.owner()}"
        return self._jobs.digest(text, self._manager)

    def _act(self, change: Callable[[list[Any]], int], asked: list[Any]) -> Any:
        """Change what a request names, and return how much of it has changed."""
        if self._body.get("key") not in (self._key(), self._key(age=1)):
            raise _Wrong("The key is not that of the last look.")
        try:
            return {"changed": change(asked), "asked": len(asked)}
        except NotImplementedError as error:
            raise _Wrong(f"The manager {self._name} can't do that.") from error
        except UnknownTaskError as error:
            raise _Wrong(str(error)) from error

    def _cancel(self, ids: list[str]) -> int:
        changed = 0
        for job_id in ids:
            try:
                job = self._manager.job(job_id)
            except JobNotFoundError:
                continue
            if not job.has_ended:
                job.cancel()
                changed += 1
        return changed

    def _pause(self, tasks: list[str]) -> int:
        if tasks:
            self._manager.pause(*tasks)
        return len(tasks)

    def _retry(self, ids: list[str]) -> int:
        changed = 0
        for job_id in ids:
            try:
                self._manager.job(job_id).retry()
            except MissingManagerError as error:
                raise _Wrong(str(error)) from error
            except (JobNotFoundError, ValueError):
                continue  # another operator was faster, or its call was not kept
            changed += 1
        return changed

    def _look(self, look: dict[str, Any]) -> dict[str, Any]:
        """Return one page of jobs, and what there is to know of the manager."""
        now = time.time()
        asked = _search_of(look, self._manager)
        records, count = self._manager.look_and_count(asked)
        counts = self._manager.count_jobs()
        halts = self._manager.halts()
        tasks = sorted({*halts.paused, *(task for task, _ in counts)})
        usual = self._manager.usual_durations(tasks)
        return {
            "key": self._key(),
            "manager": self._name,
            "managers": list(self._managers),
            "keeps_calls": self._manager.keep_calls,
            "count": count,
            "rows": [overview.row_of(each, now) for each in records],
            "health": self._manager.health().to_dict(),
            "drained": max(0, round(halts.draining_until - now)),
            "statuses": _by_status(counts),
            "queues": self._manager.count_queued(),
            "tasks": [
                {
                    "task": task,
                    "usual": usual[task],
                    "is_paused": task in halts.paused,
                    **{
                        status.value: counts.get((task, status), 0) for status in Status
                    },
                }
                for task in tasks
            ],
            "workers": [
                {
                    **each.to_dict(),
                    "ran": None
                    if each.since is None
                    else round(max(0.0, now - each.since), 1),
                }
                for each in self._manager.workers()
            ],
        }


def _by_status(counts: Mapping[tuple[str, Status], int]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (_task, status), count in counts.items():
        found[status.value] += count
    return {status.value: found[status.value] for status in Status}


def _each(change: Callable[[Any], None]) -> Callable[[list[Any]], int]:
    """Return a function that changes all of a list, and returns how many."""

    def change_all(asked: list[Any]) -> int:
        for each in asked:
            change(each)
        return len(asked)

    return change_all


def _texts(values: list[Any]) -> list[str]:
    """Return the texts of a list, each once."""
    if len(values) > MAX_ROWS or not all(map(_is_text, values)):
        raise _Wrong(f"A list takes {MAX_ROWS} texts at most.")
    return [*dict.fromkeys(values)]


def _is_text(value: Any) -> bool:
    """Return whether a value is a text that UTF-8 can express: a store needs that."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _search_of(look: dict[str, Any], manager: LongCallbackManager) -> Search:
    """Return the search that a request names.

    Raises:
        _Wrong: a value is of the wrong kind.
    """
    match look:
        case {"start": int(start), "count": int(count)} if (
            0 <= start <= MAX_JS_INTEGER and 0 < count <= MAX_ROWS
        ):
            pass
        case _:
            raise _Wrong(f"start and count: a position, and a number up to {MAX_ROWS}.")
    match look.get("order") or ["created", True]:
        case [str(by), bool(is_descending)] if by in _ORDERS:
            order = Order(by=by, is_descending=is_descending)
        case _:
            raise _Wrong(f"order: one of {', '.join(_ORDERS)}, and whether down.")
    task, user = look.get("task") or None, look.get("user") or None
    if not all(each is None or _is_text(each) for each in (task, user)):
        raise _Wrong("task and user are texts.")
    try:
        statuses = search.statuses(look.get("status") or None)
    except (TypeError, ValueError):
        raise _Wrong("status: a list of statuses.") from None
    found = Search(statuses=statuses, task=task, order=order, start=start, limit=count)
    return found if user is None else _with_user(found, user, manager)


def _with_user(found: Search, user: str, manager: LongCallbackManager) -> Search:
    """Return a search for the jobs of a user whom an operator has typed.

    That is a user who is this text; or if there are no jobs of such a user, JSON data.
    """
    as_text = Search(owner=owner_of(user), limit=1)
    owner = as_text.owner
    try:
        data = json.loads(user)
    except (ValueError, RecursionError):
        pass
    else:
        if not manager.look_for(as_text):
            owner = owner_of(data)
    return replace(found, owner=owner)
