"""A page without a browser."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dash

from ..bridge import backends
from ..core import app_origin
from ..core.status import Status
from ..core.updates import prop_id, values_in, values_of
from ..exceptions import LongCallbackError
from ..web.handles import ENGINE_HOST, handle_in
from .asgi import AsgiClient

#: Seconds between two checks.
_LOOK = 0.05


class Unavailable(LongCallbackError):
    """The server can't answer now. A page tries again."""


@dataclass
class Job:
    """A job, as a page without a browser sees it.

    Attributes:
        page: has started it.
        handle: from the server, for the engine of a page.
        status: at the last poll.
        outputs: the values that it has given to its Outputs, by ``"id.property"``.
        progress: the values of progress Outputs at each poll, in order, as
            ``{"id.property": value}``.
        bars: its progress bars at the last poll, as ``[value, total, text]``.
        steps: at the last poll, as ``[name, depth, status, seconds, count]``.
        log: its lines.
        props: other values that it has set by ``set_props``, by ``"id.property"``.
        question: that the job asks, as a dict with ``id``, ``text``, ``choices``,
            ``default`` and ``left``; None if it waits for no answer.
        is_cached: its result came from the cache, without a run of the function.
        is_stale: its outputs show an old result, which it refreshes or has failed to
            refresh (``stale_for``).
        error: ``type`` and ``message``, and more in debug mode; None without an error.
        cursor: of the last poll.
    """

    page: Page = field(repr=False)
    handle: dict[str, Any] = field(repr=False)
    status: Status = Status.QUEUED
    outputs: dict[str, Any] = field(default_factory=dict)
    progress: list[dict[str, Any]] = field(default_factory=list)
    bars: list[list[Any]] = field(default_factory=list)
    steps: list[list[Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    props: dict[str, Any] = field(default_factory=dict)
    question: dict[str, Any] | None = None
    is_cached: bool = False
    is_stale: bool = False
    error: dict[str, str] | None = None
    cursor: int = 0
    _postponed: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def has_ended(self) -> bool:
        """Whether its status at the last poll was final."""
        return self.status.is_terminal

    def take(self, snapshot: Mapping[str, Any]) -> None:
        """Update the job from a snapshot, unless that is older than the last one."""
        if self.has_ended or snapshot["cursor"] <= self.cursor:
            return
        self.cursor = snapshot["cursor"]
        self.status = Status(snapshot["status"])
        self.error = snapshot.get("error")
        self.question = snapshot.get("question")
        if snapshot.get("progress"):
            self.progress.append(values_of(snapshot["progress"]))
        self.bars = snapshot.get("bars", self.bars)
        self.steps = snapshot.get("steps", self.steps)
        self.log += [line[1] for line in snapshot.get("log", [])]
        self._set(values_of(snapshot.get("props", [])))
        self.take_result(snapshot.get("result") or {})
        if self.status is Status.SUCCEEDED and self._postponed:
            self.outputs.update(self._postponed)
            self.is_stale = not self._outputs <= self._postponed.keys()

    def busy(self) -> list[str]:
        """Poll, and return why the job has not ended; an empty list if it has."""
        if not self.has_ended:
            try:
                self.page.poll(self)
            except (ConnectionError, Unavailable) as error:
                return [f"the last poll got no answer ({error})"]
        return [] if self.has_ended else [f"the job is {self.status.value}"]

    def take_result(self, result: Mapping[str, Any]) -> None:
        """Update the job from Dash's own answer to a callback."""
        self._set(values_in(result.get("sideUpdate", {})))
        self._set(values_in(result.get("response", {})))

    def _set(self, values: Mapping[str, Any]) -> None:
        # A function that yields sets its Outputs while it runs. A stale result stays
        # until the end.
        shown = self._postponed if self.is_stale else self.outputs
        outputs = self._outputs
        for name, value in values.items():
            (shown if name in outputs else self.props)[name] = value

    @property
    def _outputs(self) -> set[str]:
        return {prop_id(*output) for output in self.handle["outputs"]}


class Page:
    """A page of an app without a browser: it starts, polls and cancels jobs.

    It sends the requests of a browser, so that all guards of the app apply. It runs no
    other callbacks and shows nothing. ``Job`` has the results.

    Args:
        app: a Dash app that is set up for long callbacks.
        client: a test client of ``app.server``, for instance one that is logged in: of
            Flask, or ``starlette.testclient.TestClient`` for FastAPI and Quart. A new
            one by default.
    """

    def __init__(self, app: dash.Dash, client: Any = None) -> None:
        if client is None and backends.is_asgi(app):
            client = AsgiClient(app.server)
        self._client = app.server.test_client() if client is None else client
        self._prefix = app.config.routes_pathname_prefix
        self._id = uuid.uuid4().hex
        self._seq = 0

    def start(
        self,
        output: str,
        values: Mapping[str, Any] | None = None,
        triggered: Sequence[str] | None = None,
    ) -> Job:
        """Trigger a long callback.

        Args:
            output: one of its Outputs, as ``"id.property"``. If several callbacks
                have it, ``values`` and ``triggered`` tell which one is meant.
                Callbacks with pattern-matching ids, or without Outputs, need a
                browser.
            values: of its Inputs and State, by ``"id.property"``; by default None.
            triggered: the Inputs that have changed; by default those in ``values``. An
                empty list acts as the load of a page.

        Raises:
            ValueError: the app has no callback with this Output, Inputs or State, or
                several.
            LongCallbackError: the server refused the request, or started no job.
            ImportedScriptError: the dispatcher imports the calling module.
        """
        app_origin.refuse_in_import("Page.start()")
        values = values or {}
        given = {*values, *(triggered or ())}
        spec = self._callback(output, given)
        inputs, state = (_filled(spec[kind], values) for kind in ("inputs", "state"))
        names = [_name(item) for item in inputs]
        known = [*names, *map(_name, state)]
        for name in given - {*known}:
            raise ValueError(
                f"The callback of {output} has no Input or State {name!r}. It has "
                f"{_listing(known)}."
            )
        if triggered is None:
            triggered = [name for name in names if name in values]
        self._seq += 1
        answer = self._post(
            "_dash-update-component",
            {
                "output": spec["output"],
                "outputs": _outputs(spec["output"]),
                "inputs": inputs,
                "state": state,
                "changedPropIds": list(triggered),
                "longJob": {"page": self._id, "seq": self._seq},
            },
        )
        return self._job(output, answer)

    def poll(self, *jobs: Job) -> None:
        """Poll once for jobs.

        Args:
            jobs: of this page.

        Raises:
            ConnectionError: a fault has dropped the answer.
            LongCallbackError: the server refused the poll.
        """
        readings = [[job.handle["token"], job.cursor] for job in jobs]
        answer = self._post(f"{ENGINE_HOST}/poll", readings)
        for position, snapshot in answer.get("jobs", {}).items():
            jobs[int(position)].take(snapshot)

    def cancel(self, *jobs: Job) -> None:
        """Cancel jobs, as their cancel Inputs do.

        Args:
            jobs: of this page.

        Raises:
            LongCallbackError: the server refused the request.
        """
        self._post(f"{ENGINE_HOST}/cancel", [job.handle["token"] for job in jobs])

    def answer(self, job: Job, answer: str) -> None:
        """Answer the question that a job has asked at its last poll.

        Args:
            job: of this page.
            answer: one of the question's choices, or a text if it has none.

        Raises:
            LongCallbackError: the job asks nothing, or does not take this answer.
        """
        if job.question is None:
            raise LongCallbackError(f"The job is {job.status.value}, and asks nothing.")
        body = {"token": job.handle["token"], "question": job.question["id"]}
        self._post(f"{ENGINE_HOST}/answer", {**body, "answer": answer})

    def run(
        self,
        output: str,
        values: Mapping[str, Any] | None = None,
        timeout: float = 10,
    ) -> Job:
        """Trigger a long callback, and wait until its job has ended.

        Args:
            output: as for ``start``.
            values: as for ``start``.
            timeout: seconds to wait at most.

        Raises:
            TimeoutError: the job is still live after ``timeout`` seconds.
        """
        job = self.start(output, values)
        wait_until(job.busy, timeout)
        return job

    def _callback(self, output: str, names: set[str]) -> dict[str, Any]:
        """Return the callback with an Output, as the app describes it to pages.

        Args:
            output: as for ``start``.
            names: of Inputs and State, which tell apart callbacks that share it.
        """
        answer = self._client.get(f"{self._prefix}_dash-dependencies")
        if answer.status_code != 200:
            raise _refusal("_dash-dependencies", answer)
        specs = json.loads(answer.text)
        specs = [spec for spec in specs if not spec["clientside_function"]]
        found = [spec for spec in specs if output in _names(spec["output"])]
        if not found:
            known = _listing(name for spec in specs for name in _names(spec["output"]))
            raise ValueError(
                f"No callback has the Output {output!r}. The app has {known}."
            )
        fitting = [spec for spec in found if names <= {*_arguments(spec)}]
        if len(found) == 1 or len(fitting) == 1:
            return dict((fitting or found)[0])
        arguments = "; ".join(_listing(_arguments(spec)) for spec in found)
        raise ValueError(
            f"{len(found)} callbacks have the Output {output!r}. Pass values of Inputs "
            "or State that only one of them has, or name it by another Output. They "
            f"have: {arguments}."
        )

    def _job(self, output: str, answer: dict[str, Any]) -> Job:
        handle = handle_in(answer)
        if handle is None:
            raise LongCallbackError(
                f"{output} has started no job. Check that it is the Output of a long "
                "callback, that no cancel Input has changed, and that its lane does "
                'not ignore triggers (on_retrigger="ignore").'
            )
        job = Job(self, handle)
        if "cached" in handle or "stale" in handle:
            job.take_result({"response": answer.get("response", {})})
        job.is_cached, job.is_stale = "cached" in handle, "stale" in handle
        if job.is_cached:
            job.status = Status.SUCCEEDED
        elif "error" in handle:
            job.status, job.error = Status.FAILED, handle["error"]
        return job

    def _post(self, path: str, body: Any) -> dict[str, Any]:
        answer = self._client.post(f"{self._prefix}{path}", json=body)
        if answer.status_code == 204:
            return {}
        if answer.status_code != 200:
            raise _refusal(path, answer)
        try:
            return dict(json.loads(answer.text))
        except ValueError:
            raise _refusal(path, answer) from None


def wait_until(busy: Callable[[], list[str]], timeout: float) -> None:
    """Wait until ``busy`` returns no more reasons to wait.

    Raises:
        TimeoutError: it still returns some after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while reasons := busy():
        if time.monotonic() > deadline:
            raise TimeoutError(f"After {timeout} s: {'; '.join(reasons)}.")
        time.sleep(_LOOK)


def _names(callback_id: str) -> list[str]:
    """Return the Outputs in Dash's id of a callback, as "id.property"."""
    is_list = callback_id.startswith("..") and callback_id.endswith("..")
    names = callback_id[2:-2].split("...") if is_list else [callback_id]
    # An Output that allows duplicates has a hash after its name.
    return [name.partition("@")[0] for name in names]


def _arguments(spec: Mapping[str, Any]) -> list[str]:
    """Return the names of the Inputs and State of a callback."""
    return [_name(item) for kind in ("inputs", "state") for item in spec[kind]]


def _outputs(callback_id: str) -> Any:
    outputs = []
    for name in _names(callback_id):
        component_id, _, prop = name.rpartition(".")
        outputs.append({"id": _id(component_id), "property": prop})
    return outputs if callback_id.startswith("..") else outputs[0]


def _refusal(path: str, answer: Any) -> LongCallbackError:
    text = answer.text[:500]
    is_temporary = answer.status_code >= 500 or answer.status_code in (408, 425, 429)
    kind = Unavailable if is_temporary else LongCallbackError
    return kind(f"The server answered {path} with {answer.status_code}: {text}")


def _filled(
    items: Iterable[Mapping[str, Any]], values: Mapping[str, Any]
) -> list[dict[str, Any]]:
    return [
        {
            "id": _id(item["id"]),
            "property": item["property"],
            "value": values.get(_name(item)),
        }
        for item in items
    ]


def _id(text: Any) -> Any:
    """Return a component's id.

    Raises:
        ValueError: it is a pattern.
    """
    if not (isinstance(text, str) and text.startswith("{")):
        return text
    component_id = json.loads(text)
    if any(isinstance(value, list) for value in component_id.values()):
        raise ValueError(
            f"{text} is a pattern, and a page without a browser has no components. "
            "Test the callback in a browser."
        )
    return component_id


def _name(item: Mapping[str, Any]) -> str:
    return prop_id(item["id"], item["property"])


def _listing(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
