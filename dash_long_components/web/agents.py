"""Long callbacks as tools of agents, which speak MCP."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import dash

from ..bridge import mcp
from ..bridge.mcp import Reply, Steps
from ..bridge.mcp_tool import CallbackTool
from ..core.bars import BarJson
from ..core.job_errors import JobError
from ..core.snapshots import Snapshot
from ..core.status import Status
from ..core.updates import values_in, values_of
from ..exceptions import StoreUnavailableError
from .app_jobs import AppJobs
from .handles import handle_in

GET, CANCEL = "get_long_job", "cancel_long_job"

#: Seconds that a call waits for the end of a job: where a thread of the server waits
#: with it, and where none does.
WAIT_WITH_THREAD, WAIT = 3.0, 10.0

#: Seconds that a call waits for the end of a job that it has cancelled.
WAIT_FOR_CANCEL = 2.0

#: Seconds between two looks at a job: the shortest and the longest.
MIN_PAUSE, MAX_PAUSE = 0.02, 0.5

#: Lines of the log that an agent gets: the last ones.
MAX_LOG_LINES = 20

#: The status of an answer with an old result, which a job refreshes.
STALE = "stale"

_TOKEN = {
    "type": "object",
    "properties": {
        "job": {"type": "string", "description": "From the answer that it started."}
    },
    "required": ["job"],
    "additionalProperties": False,
}

_OWN_TOOLS: list[dict[str, Any]] = [
    {
        "name": GET,
        "description": (
            "Wait some seconds for the end of a job, and return its progress or its "
            "result. Call it again while the status is queued or running."
        ),
        "inputSchema": _TOKEN,
    },
    {
        "name": CANCEL,
        "description": "Cancel a job that is queued or running.",
        "inputSchema": _TOKEN,
    },
]

_HOW = (
    "It runs as a job. If it takes longer than some seconds, the status is queued or "
    f"running: call {GET} with the `job` of the answer until it has ended, or "
    f"{CANCEL}. If the status is {STALE}, the outputs are an old result that the job "
    f"refreshes: use them, or call {GET} for the new one."
)

_STATUSES = [status.value for status in Status]

_ANSWER = {
    "type": "object",
    "properties": {
        "status": {"enum": [*_STATUSES, STALE, "not_started"]},
        "job": {"type": "string", "description": f"For {GET} and {CANCEL}."},
        "outputs": {
            "type": "object",
            "description": "Values for the app's page, by id.property.",
        },
        "age": {
            "type": "number",
            "description": f"Of outputs whose status is {STALE}, in seconds.",
        },
        "progress": {
            "type": "array",
            "items": {"type": "object"},
            "description": "Bars: a value, a total if it is known, a text.",
        },
        "question": {
            "type": "string",
            "description": "What people have to answer before the job goes on.",
        },
        "position": {"type": "integer", "description": "In the queue; 1 is next."},
        "log": {"type": "array", "items": {"type": "string"}},
        "seconds": {"type": "number", "description": "That the job has run for."},
        "error": {"type": "string"},
    },
    "required": ["status"],
}


class Agents:
    """The tools of one app: its long callbacks, and two for their jobs.

    Args:
        app: serves agents.
        jobs: of the app.
    """

    def __init__(self, app: dash.Dash, jobs: AppJobs) -> None:
        self._app = app
        self._jobs = jobs

    def serve(self) -> None:
        """Let the app's MCP server have the tools."""
        mcp.serve(self._app, self)

    def names(self) -> set[str]:
        """Return the names of all tools."""
        names = {*mcp.tools(self._app)}
        return names | {GET, CANCEL} if names else set()

    def describe(self) -> list[dict[str, Any]]:
        """Return each tool as MCP describes it. Starts nothing."""
        found = [tool.describe() for tool in mcp.tools(self._app).values()]
        for tool in found:
            tool["description"] = f"{tool['description']}\n\n{_HOW}"
        own = _OWN_TOOLS if found else []
        return [{**tool, "outputSchema": _ANSWER} for tool in [*found, *own]]

    def call(
        self, name: str, arguments: Mapping[str, Any], blocks_thread: bool
    ) -> Steps:
        """Work for an agent: start, follow or cancel a job."""
        max_wait = WAIT_WITH_THREAD if blocks_thread else WAIT
        try:
            if name in (GET, CANCEL):
                token = arguments.get("job")
                if not isinstance(token, str):
                    return _refusal(f"{name} needs the job of an earlier answer.")
                if name == CANCEL:
                    self._jobs.cancel([token])
                    max_wait = WAIT_FOR_CANCEL
                return (yield from self._follow(token, max_wait))
            tool = mcp.tools(self._app)[name]
            return (yield from self._start(tool, arguments, max_wait))
        except StoreUnavailableError as error:
            return _refusal(f"Try again: {error.summary}.")

    def _start(
        self, tool: CallbackTool, arguments: Mapping[str, Any], max_wait: float
    ) -> Steps:
        try:
            answer = tool.run(arguments)
        except ValueError as error:
            return _refusal(str(error))
        except mcp.MCPError as error:
            return _refusal(str(error))
        handle = handle_in(answer)
        if handle is None:
            return _refusal(f"{tool.name} has started no job.")
        if "stale" in handle or "cached" in handle:
            data = _from_cache(handle, answer)
            return Reply(data=data, is_error="error" in data)
        if "error" in handle:
            return _refusal(_start_error(handle))
        return (yield from self._follow(handle["token"], max_wait))

    def _follow(self, token: str, max_wait: float) -> Steps:
        """Wait for the end of a job, and return its state."""
        began = time.monotonic()
        cursor = 0
        while True:
            (snapshot,) = self._jobs.read([(token, cursor)])
            waited = time.monotonic() - began
            if snapshot is None or snapshot.status.is_terminal or waited >= max_wait:
                break
            cursor = snapshot.cursor
            pause = min(MAX_PAUSE, max(MIN_PAUSE, waited / 4))
            yield min(pause, max_wait - waited)
        # All that there is, and not only the news.
        (snapshot,) = self._jobs.read([(token, 0)])
        if snapshot is None:
            return _refusal("Try again: the job's manager does not respond.")
        return _reply(token, snapshot)


def _refusal(reason: str) -> Reply:
    return Reply(data={"status": "not_started", "error": reason}, is_error=True)


def _from_cache(handle: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an agent gets to know of a cached result."""
    outputs = values_in(answer.get("response", {}))
    if "cached" in handle:
        return {"status": Status.SUCCEEDED.value, "outputs": outputs}
    age = round(handle["stale"]["age"], 1)
    data: dict[str, Any] = {"status": STALE, "outputs": outputs, "age": age}
    if "error" in handle:
        return {**data, "error": _start_error(handle)}
    return {**data, "job": handle["token"]}


def _start_error(handle: Mapping[str, Any]) -> str:
    """Return why no job has started."""
    return _text(JobError(**{"task": "", **handle["error"]}))


def _reply(token: str, snapshot: Snapshot) -> Reply:
    """Return what an agent gets to know of a job."""
    status = snapshot.status
    data: dict[str, Any] = {"status": status.value}
    if not status.is_terminal:
        data["job"] = token
    if snapshot.place is not None:
        data["position"] = snapshot.place.position
    if snapshot.elapsed is not None:
        data["seconds"] = round(snapshot.elapsed, 1)
    if snapshot.question is not None:
        data["question"] = snapshot.question.text
    if snapshot.bars:
        data["progress"] = [_bar(bar) for bar in snapshot.bars]
    if snapshot.log:
        data["log"] = [text for _number, text, *_rest in snapshot.log[-MAX_LOG_LINES:]]
    if snapshot.error is not None:
        data["error"] = _text(snapshot.error)
    outputs = values_of([*(snapshot.progress or ()), *(snapshot.props or ())])
    if snapshot.result is not None:
        result = json.loads(snapshot.result)
        outputs |= values_in(result.get("sideUpdate", {}))
        outputs |= values_in(result.get("response", {}))
    if outputs:
        data["outputs"] = outputs
    is_well = not status.is_terminal or status in (Status.SUCCEEDED, Status.CANCELLED)
    return Reply(data=data, is_error=not is_well)


def _bar(bar: BarJson) -> dict[str, Any]:
    named = zip(("value", "total", "text"), bar, strict=False)
    return {name: part for name, part in named if part is not None}


def _text(error: JobError) -> str:
    return f"{error.type}: {error.message}"
