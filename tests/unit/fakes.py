"""A manager in memory, and a page without a network."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from dash import html

import dash_long_components as dlc
from dash_long_components import LongCallbackManager
from dash_long_components.core import answers, reading
from dash_long_components.core.bars import Bars
from dash_long_components.core.calls import Call
from dash_long_components.core.ids import Ticket
from dash_long_components.core.lanes import Lane
from dash_long_components.core.questions import Question
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.requesters import Requester
from dash_long_components.core.search import Search
from dash_long_components.core.snapshots import Snapshot
from dash_long_components.core.steps import Steps
from dash_long_components.running import runtime
from dash_long_components.running.current import CurrentJob
from dash_long_components.running.outcome import Outcome
from dash_long_components.running.tasks import Task
from tests import backends

NOW = 1000.0


def job_of(
    job_id: str = "job", is_cancelled: Callable[[], bool] = lambda: False
) -> CurrentJob:
    """Return a job in its only attempt, as its code sees it."""
    record = Record(id=job_id, task="module.task", code="", created=0.0, changed=0.0)
    return CurrentJob(record, is_cancelled)


JOB = job_of("job-0")


def id_of(record: Record | None) -> str | None:
    """Return the id of a job that was taken off the queue; None if there was none."""
    return None if record is None else record.id


@dataclass
class Submitted:
    """A job that a manager was given."""

    task: Task
    call: Call
    lane: Lane | None

    def run(self) -> Outcome:
        """Run it here, as a worker would after the way through the store."""
        return runtime.run(
            self.task,
            Call.from_json(self.call.to_json()),
            JOB,
            ignore,
        )


class Reported:
    """Notes down what the code of a job reports."""

    def __init__(self, check: Callable[[], None] = lambda: None) -> None:
        self.bars = Bars(lambda: None, check)
        self.steps = Steps()
        self.lines: list[tuple[str, int, float]] = []
        self.titles: list[str] = []
        self.questions: list[Question | None] = []

    def log(self, text: str, level: int, time: float) -> None:
        self.lines.append((text, level, time))

    def set_title(self, title: str) -> None:
        self.titles.append(title)

    def set_question(self, question: Question | None) -> None:
        self.questions.append(question)

    def check(self) -> None:
        self.bars.check()


def ignore(_report: Report) -> None:
    """Write nothing down."""


class RecordingManager(LongCallbackManager):
    """Notes down the jobs that it is given, and runs none."""

    def __init__(self) -> None:
        super().__init__()
        self.handle = None
        self.submitted: list[Submitted] = []
        self.records: dict[str, Record] = {}
        self.results: dict[str, bytes] = {}
        self.refuses = False

    def add(self, **fields: Any) -> Record:
        """Add a job that is there already."""
        job_id = f"job-{len(self.records)}"
        record = Record(
            **{
                **{"id": job_id, "task": "module.task", "code": "v1"},
                **{"created": NOW, "changed": NOW},
                **fields,
            }
        )
        self.records[record.id] = record
        return record

    def submit(
        self,
        task: Task,
        call: Call,
        lane: Lane | None = None,
        owner: str | None = None,
        again: str | None = None,
    ) -> str | None:
        if self.refuses:
            return None
        self.submitted.append(Submitted(task, call, lane))
        requester = Requester(id="0", owner=owner, destination=call.destination)
        return self.add(task=task.name, requesters=(requester,)).id

    def read(self, ticket: str, cursor: int) -> Snapshot:
        job_id = Ticket.parse(ticket).job
        snapshot = reading.since(self.records[job_id], cursor)
        if job_id not in self.results or snapshot.cursor <= cursor:
            return snapshot
        return replace(snapshot, load_result=partial(self.load_result, job_id))

    def look_up(self, job_id: str) -> Record:
        return self.records[job_id]

    def look_for(self, search: Search) -> list[Record]:
        return [*filter(search.finds, self.records.values())][: search.limit]

    def load_result(self, job_id: str) -> bytes | None:
        return self.results.get(job_id)

    def cancel(self, ticket: str) -> None:
        job_id = Ticket.parse(ticket).job
        if job_id in self.records and not self.records[job_id].status.is_terminal:
            self.records[job_id] = self.records[job_id].request_cancel(NOW)

    def answer(self, ticket: str, question: str, answer: str) -> None:
        named = Ticket.parse(ticket)
        if named.job not in self.records:
            raise answers.over(named.job)
        self.records[named.job] = answers.answered(
            self.records[named.job], named.requester, question, answer, NOW
        )

    def secret(self) -> bytes:
        return b"the secret of this manager"

    def libraries(self) -> frozenset[str]:
        return frozenset()

    def warm_up(self) -> None:
        pass

    def close(self) -> None:
        pass


class Site:
    """An app, and a page of it that speaks with the app directly."""

    def __init__(self, backend: str = "flask", **options: Any) -> None:
        self.manager = RecordingManager()
        self.app = dlc.Dash(
            __name__,
            long_callback_manager=self.manager,
            **backends.options(backend),
            **options,
        )
        self.app.layout = html.Div()
        self.prefix = self.app.config.routes_pathname_prefix

    def long_callback(self, *args: Any, **options: Any) -> Callable[[Any], Any]:
        return self.app.long_callback(*args, **options)

    def post(self, path: str, body: Any, **options: Any) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return backends.send(self.app, f"{self.prefix}{path}", data, **options)

    def trigger(
        self,
        output: Any,
        inputs: list[Any],
        state: list[Any] | None = None,
        changed: list[str] | None = None,
        callback_id: str | None = None,
        **extra: Any,
    ) -> Any:
        """Run a callback as a page does, and return the response."""
        if callback_id is None:
            outputs = output if isinstance(output, list) else [output]
            names = [f"{item['id']}.{item['property']}" for item in outputs]
            several = isinstance(output, list)
            callback_id = f"..{'...'.join(names)}.." if several else names[0]
        return self.post(
            "_dash-update-component",
            {
                "output": callback_id,
                "outputs": output,
                "inputs": inputs,
                "state": state or [],
                "changedPropIds": changed or [],
                **extra,
            },
            **({"headers": {"Cookie": "user=ada"}, "query_string": "a=1"}),
        )

    def submit(self, *args: Any, **options: Any) -> Submitted:
        """Trigger a long callback, and return the job that it submitted."""
        response = self.trigger(*args, **options)
        assert response.status_code == 200, response.get_data()
        return self.manager.submitted[-1]


def prop(component_id: Any, name: str, value: Any = None) -> dict[str, Any]:
    """Return how a page sends an Input or State."""
    return {"id": component_id, "property": name, "value": value}


def out(component_id: Any, name: str) -> dict[str, Any]:
    """Return how a page sends an Output."""
    return {"id": component_id, "property": name}


def handle_of(response: Any) -> dict[str, Any]:
    """Return the handle in the response of a start callback."""
    patch = response.get_json()["sideUpdate"]["_dash-long-jobs"]["handles"]
    ((operation),) = patch["operations"]
    handle: dict[str, Any] = operation["params"]["value"]
    return handle


def values_of(outcome: Outcome) -> Any:
    """Return the new property values in the result of a job."""
    assert outcome.error is None, outcome.error
    return json.loads(outcome.result or b"null")
