"""Pages without a browser: they send the requests of a browser, and count them."""

from __future__ import annotations

import http.client
import json
import re
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from .servers import Deployment

#: How soon after its handle the page polls for a job (``poller.ts``), in ms.
SHORTEST_MS = 20

#: Default ``interval`` of both contenders, in ms.
INTERVAL_MS = 1000

#: For how long a page of ours asks an asynchronous server to hold a poll, in ms.
HOLD_MS = 25_000


@dataclass
class Traffic:
    """The bytes that a page sent and got: bodies and query strings, no headers."""

    requests: int = 0
    up: int = 0
    down: int = 0


@dataclass
class Job:
    """A job that a page follows."""

    handle: Any
    cursor: int = 0
    result: dict[str, Any] | None = None
    status: str = ""


@dataclass
class Page(ABC):
    """One page of one user, on a connection that is kept alive.

    Attributes:
        url: of the server.
        state: the value of the State that the callback takes.
        pattern: whether that is a State with ALL.
        is_held: whether the server holds its polls.
    """

    url: str
    state: str = ""
    pattern: bool = False
    is_held: bool = False
    traffic: Traffic = field(default_factory=Traffic)

    def __post_init__(self) -> None:
        self._connection = http.client.HTTPConnection(
            urlsplit(self.url).netloc, timeout=300
        )
        self._connection.connect()
        self.load()

    def load(self) -> None:
        """Load the files of the page that come from the app."""
        for path in ("/", "/_dash-layout", "/_dash-dependencies"):
            self._connection.request("GET", path)
            self.took(path, self._connection.getresponse().read())

    def took(self, path: str, body: bytes) -> None:  # noqa: B027
        """Look at a file of the page, if the contender needs that."""

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", path, body, headers)
        response = self._connection.getresponse()
        answer = response.read()
        self.traffic.requests += 1
        self.traffic.up += len(body) + len(path.partition("?")[2])
        self.traffic.down += len(answer)
        if response.status not in (200, 204):
            raise RuntimeError(f"{path}: {response.status} {answer[:300]!r}")
        return response.status, answer

    def ordinary(self, clicks: int = 1, **what: Any) -> dict[str, Any]:
        """Trigger the ordinary callback and return its result."""
        body = {
            "output": "out-ordinary.children",
            "outputs": {"id": "out-ordinary", "property": "children"},
            "inputs": [_value("run-ordinary", "n_clicks", clicks)],
            "changedPropIds": ["run-ordinary.n_clicks"],
            "state": [_value("what", "data", what)],
        }
        _, answer = self.post("/_dash-update-component", json.dumps(body).encode())
        text = json.loads(answer)["response"]["out-ordinary"]["children"]
        result: dict[str, Any] = json.loads(text)
        return result

    def run(self, clicks: int = 1, **what: Any) -> Job:
        """Start a job and wait for its result on the schedule of a browser's page."""
        job = self.start(clicks, **what)
        wait = self.first_wait_ms(job)
        while not job.status:
            time.sleep(wait / 1000)
            wait = self.poll(job)
        return job

    def result(self, clicks: int, **what: Any) -> dict[str, Any]:
        """Do ``run`` and return the job's result.

        Raises:
            RuntimeError: it has none.
        """
        job = self.run(clicks, **what)
        if job.result is None:
            raise RuntimeError(f"A job {job.status}.")
        return job.result

    def body(self, clicks: Any, what: Any, state: Any) -> bytes:
        held: Any = _value("state", "data", state)
        if self.pattern:
            # dash-renderer empties the values of a poll, but not those in a list.
            held = [_value({"type": "state", "index": 0}, "data", self.state)]
        return json.dumps(
            {
                "output": "out.children",
                "outputs": {"id": "out", "property": "children"},
                "inputs": [_value("run", "n_clicks", clicks)],
                "changedPropIds": ["run.n_clicks"],
                "state": [
                    _value("what", "data", what),
                    held,
                ],
            },
            separators=(",", ":"),
        ).encode()

    @abstractmethod
    def start(self, clicks: int = 1, **what: Any) -> Job:
        """Click, and return the job."""

    @abstractmethod
    def poll(self, *jobs: Job) -> float:
        """Poll for all jobs once. Return the milliseconds until the next poll."""

    @abstractmethod
    def take(self, job: Job, answer: dict[str, Any]) -> None:
        """Take the answer to a poll for one job alone."""

    @abstractmethod
    def first_wait_ms(self, job: Job) -> float: ...

    @abstractmethod
    def cancel(self, *jobs: Job) -> None: ...


class OurPage(Page):
    """Sends the requests of ``src/engine``."""

    def start(self, clicks: int = 1, **what: Any) -> Job:
        body = self.body(clicks, what, self.state)
        _, answer = self.post("/_dash-update-component", body)
        data = json.loads(answer)
        ((operation),) = data["sideUpdate"]["_dash-long-jobs"]["handles"]["operations"]
        handle = operation["params"]["value"]
        job = Job(handle)
        if not handle["token"]:
            self._end(job, "succeeded", data)
        elif "end" in handle:
            self._show(job, handle["end"])
        return job

    def first_wait_ms(self, job: Job) -> float:
        return SHORTEST_MS

    def poll(self, *jobs: Job) -> float:
        body = json.dumps([[job.handle["token"], job.cursor] for job in jobs])
        _, text = self.post("/_dash-long-jobs/poll", body.replace(" ", "").encode())
        answer = json.loads(text)
        for position, snapshot in answer.get("jobs", {}).items():
            self._show(jobs[int(position)], snapshot)
        interval: float = jobs[0].handle["interval"]
        return float(max(SHORTEST_MS, min(answer["next"], interval)))

    def take(self, job: Job, answer: dict[str, Any]) -> None:
        for snapshot in answer.get("jobs", {}).values():
            self._show(job, snapshot)

    def _show(self, job: Job, snapshot: dict[str, Any]) -> None:
        job.cursor = snapshot["cursor"]
        if snapshot["status"] not in ("queued", "running"):
            self._end(job, snapshot["status"], snapshot.get("result"))

    def _end(self, job: Job, status: str, result: Any) -> None:
        job.status = status
        if status == "succeeded":
            job.result = json.loads(result["response"]["out"]["children"])

    def cancel(self, *jobs: Job) -> None:
        tokens = [job.handle["token"] for job in jobs]
        self.post("/_dash-long-jobs/cancel", json.dumps(tokens).encode())


class NativePage(Page):
    """Sends the requests of ``handleServerside`` in dash-renderer.

    Attributes:
        query: names the page in every request.
    """

    query = ""

    def took(self, path: str, body: bytes) -> None:
        if path == "/":
            found = re.search(rb'"end_id":\s*"([^"]+)"', body)
            self.query = f"endId={found[1].decode()}" if found else ""

    def start(self, clicks: int = 1, **what: Any) -> Job:
        body = self.body(clicks, what, self.state)
        path = f"/_dash-update-component?{self.query}"
        _, answer = self.post(path, body)
        data = json.loads(answer)
        job = Job((data.get("cacheKey"), data.get("job")))
        self.take(job, data)
        return job

    def first_wait_ms(self, job: Job) -> float:
        return INTERVAL_MS

    def poll(self, *jobs: Job) -> float:
        for job in jobs:
            self.take(job, json.loads(self.post(*self.poll_of(job))[1]))
        return INTERVAL_MS

    def poll_of(self, job: Job) -> tuple[str, bytes]:
        """Return path and body of a poll for a job."""
        key, number = job.handle
        query = f"{self.query}&cacheKey={quote(key)}&job={quote(number)}"
        body = self.body(None, None, None)
        return f"/_dash-update-component?{query}", body

    def take(self, job: Job, answer: dict[str, Any]) -> None:
        if "response" in answer:
            job.status = "succeeded"
            job.result = json.loads(answer["response"]["out"]["children"])

    def cancel(self, *jobs: Job) -> None:
        for job in jobs:
            path = f"/_dash-update-component?{self.query}&cancelJob={job.handle[1]}"
            self.post(path, self.body(None, None, None))


def page_of(deployment: Deployment, state: str = "", pattern: bool = False) -> Page:
    """Open a page of a contender."""
    make = OurPage if deployment.kind.is_ours else NativePage
    return make(deployment.url, state, pattern)


def _value(component: Any, name: str, value: Any) -> dict[str, Any]:
    return {"id": component, "property": name, "value": value}
