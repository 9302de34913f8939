"""A page without a browser: it starts, polls and cancels jobs over HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.waiting import until

#: A bound, not a wait: what hangs for this long, in seconds, has failed.
TIMEOUT = 40.0

TERMINAL = {"succeeded", "failed", "cancelled", "timed_out", "lost", "rejected"}


@dataclass
class Answer:
    """The answer of the server to one request."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        assert self.status == 200, self
        return json.loads(self.body)


@dataclass
class Job:
    """A job as a page knows it: its handle, and the snapshots that it has read."""

    handle: dict[str, Any]
    cursor: int = 0
    status: str = "queued"
    snapshots: list[dict[str, Any]] = field(default_factory=list)

    @property
    def token(self) -> str:
        token: str = self.handle["token"]
        return token

    @property
    def has_ended(self) -> bool:
        return self.status in TERMINAL

    @property
    def result(self) -> Any:
        """The value of the one Output."""
        (properties,) = self.snapshots[-1]["result"]["response"].values()
        (value,) = properties.values()
        return value

    @property
    def error(self) -> dict[str, str]:
        error: dict[str, str] = self.snapshots[-1]["error"]
        return error

    @property
    def question(self) -> dict[str, Any] | None:
        return self.snapshots[-1].get("question") if self.snapshots else None

    def take(self, snapshot: dict[str, Any]) -> None:
        changes_by_itself = "queue" in snapshot or "hint" in snapshot
        is_same = snapshot["cursor"] == self.cursor
        assert snapshot["cursor"] > self.cursor or (is_same and changes_by_itself)
        assert not self.has_ended, f"{snapshot} after {self.snapshots}"
        self.cursor, self.status = snapshot["cursor"], snapshot["status"]
        self.snapshots.append(snapshot)


class Page:
    """One page of one user. Every request comes on a connection of its own."""

    def __init__(self, url: str, cookie: str = "") -> None:
        self.url = url
        self.cookie = cookie
        self.name = uuid.uuid4().hex

    def post(self, path: str, body: Any) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}/{path}",
            data,
            {"Content-Type": "application/json", "Cookie": self.cookie},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
                return Answer(response.status, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read())

    def load(self) -> None:
        """Load the page as a browser would."""
        for path in ("", "_dash-layout", "_dash-dependencies"):
            with urllib.request.urlopen(
                f"{self.url}/{path}", timeout=TIMEOUT
            ) as response:
                response.read()

    def call(self, name: str, value: Any = None, seq: int = 0) -> Answer:
        """Trigger the callback of ``Output(name, "children")``.

        Its only Input is ``Input(f"{name}-in", "value")``. With ``seq`` the page says
        who it is and in which order it triggered things.
        """
        info = {"longJob": {"page": self.name, "seq": seq}} if seq else {}
        return self.post(
            "_dash-update-component",
            {
                "output": f"{name}.children",
                "outputs": {"id": name, "property": "children"},
                "inputs": [{"id": f"{name}-in", "property": "value", "value": value}],
                "changedPropIds": [f"{name}-in.value"],
                "state": [],
                **info,
            },
        )

    def start(self, name: str, value: Any = None, seq: int = 0) -> Job:
        """Trigger a long callback, and return the job it started."""
        handle = self._handle(name, value, seq)
        assert "error" not in handle, handle
        return Job(handle)

    def fail_to_start(self, name: str, value: Any = None, seq: int = 0) -> Any:
        """Trigger a long callback, and return why there is no job."""
        handle = self._handle(name, value, seq)
        assert handle["token"] is None
        return handle["error"]

    def _handle(self, name: str, value: Any, seq: int) -> dict[str, Any]:
        answer = self.call(name, value, seq)
        assert answer.status == 200, answer
        # A Patch: one assignment of a handle under a random reference.
        patch = answer.json["sideUpdate"]["_dash-long-jobs"]["handles"]
        ((operation),) = patch["operations"]
        handle: dict[str, Any] = operation["params"]["value"]
        return handle

    def poll(self, *jobs: Job, hold: int = 0) -> int:
        """Ask for what is new about jobs. Return after how many ms to ask again.

        Args:
            jobs: of this page.
            hold: milliseconds for which the server may wait for news.
        """
        readings = [[job.token, job.cursor] for job in jobs]
        body = {"hold": hold, "jobs": readings} if hold else readings
        answer = self.post("_dash-long-jobs/poll", body)
        assert answer.status == 200, answer
        for position, snapshot in answer.json.get("jobs", {}).items():
            jobs[int(position)].take(snapshot)
        wait: int = answer.json["next"]
        return wait

    def wait_for(self, status: str, *jobs: Job) -> None:
        """Poll until all jobs have a status, as their handles and the server say."""

        def have_it() -> bool:
            self.poll(*jobs)
            for job in jobs:
                assert job.status == status or not job.has_ended, job.snapshots[-1]
            return all(job.status == status for job in jobs)

        self._until(have_it, jobs)

    def wait_for_end(self, *jobs: Job) -> None:
        def have_ended() -> bool:
            self.poll(*[job for job in jobs if not job.has_ended])
            return all(job.has_ended for job in jobs)

        self._until(have_ended, jobs)

    def wait_for_question(self, job: Job, text: str) -> dict[str, Any]:
        """Poll until a job asks something, and return its question."""

        def asks() -> bool:
            self.poll(job)
            assert not job.has_ended, job.snapshots[-1]
            return job.question is not None and job.question["text"] == text

        self._until(asks, [job])
        assert job.status == "running"
        assert job.question is not None
        return job.question

    @staticmethod
    def _until(look: Callable[[], bool], jobs: Sequence[Job]) -> None:
        def last_seen() -> str:
            seen = [(job.token, job.status, job.snapshots[-1:]) for job in jobs]
            return f"it did not come; last seen: {seen}"

        until(look, TIMEOUT, poll=0.02, msg=last_seen)

    def answer(self, job: Job, question: dict[str, Any], text: str) -> Answer:
        body = {"token": job.token, "question": question["id"], "answer": text}
        return self.post("_dash-long-jobs/answer", body)

    def cancel(self, *jobs: Job) -> None:
        assert self.cancel_tokens([job.token for job in jobs]).status == 204

    def cancel_tokens(self, tokens: Sequence[str]) -> Answer:
        return self.post("_dash-long-jobs/cancel", list(tokens))

    def run(self, name: str, value: Any = None) -> Job:
        """Start a job and wait for its end, whichever."""
        job = self.start(name, value)
        self.wait_for_end(job)
        return job
