"""An app that shows a job in each state at once, in the components of a library."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import dash
import dash_bootstrap_components as dbc
import dash_mantine_components as dmc
from dash import MATCH, Input, Output, html

import dash_long_components as dlc
from dash_long_components.core.calls import Call
from dash_long_components.core.job_errors import JobError
from dash_long_components.core.lanes import Lane
from dash_long_components.core.lines import Line
from dash_long_components.core.questions import Question
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.snapshots import Place, Snapshot
from dash_long_components.core.status import Status
from dash_long_components.running.tasks import Task
from tests.unit.fakes import RecordingManager

#: The columns of the page.
VARIANTS: tuple[Literal["full", "compact"], ...] = ("full", "compact")

#: A word that breaks nowhere, as names of files have it.
WORD = "measurements_of_the_station_" * 8

TRACEBACK = """Traceback (most recent call last):
  File "report.py", line 31, in make_report
    table = parse(rows)
ValueError: column 3 holds no number: "n/a"
"""


def started(record: Record) -> Record:
    return record.start(time.time() - 72)


def running(record: Record) -> Record:
    return started(record).report(
        time.time(),
        Report(
            title="sales-2026.csv",
            bars=[[3, 10, "Reading"], [1234, 5000, "Rows"], [0.4, 1, "Checks"]],
            log=[[1, "Opened sales-2026.csv"], [2, "The header has 14 columns"]],
        ),
    )


def in_steps(record: Record) -> Record:
    lines: list[Line] = [
        [1, "Skipped 3 empty columns", 1784000000, 30],
        [2, "No column 'price': used 0", 1784000001, 40],
    ]
    return started(record).report(
        time.time(),
        Report(
            bars=[[700_000_000, 1_200_000_000, None, {"unit": "B", "base": 1000}]],
            steps=[
                ["Read", 0, "done", 2.5, 1],
                ["Fit a model of each region", 0, "running", 12, 1],
                ["Fold", 1, "running", 60, 3],
                ["Plot", 0, "to_come", 0, 0],
            ],
            log=lines,
        ),
    )


def with_long_words(record: Record) -> Record:
    return started(record).report(
        time.time(),
        Report(
            title=WORD,
            bars=[[3, 10, WORD], [1, 2, None, {"unit": WORD}]],
            steps=[[WORD, 0, "running", 12, 1], [WORD, 1, "done", 12, 2]],
            log=[[1, WORD]],
            question=Question.make("2", WORD, [WORD[:100], "no"], "no", None),
        ),
    )


def asking(question: Question) -> Callable[[Record], Record]:
    return lambda record: running(record).report(time.time(), Report(question=question))


def ended(status: Status, error: JobError | None = None) -> Callable[[Record], Record]:
    def end(record: Record) -> Record:
        return running(record).end(status, time.time(), error)

    return end


def failure(kind: str, message: str, traceback: str | None = None) -> JobError:
    return JobError(type=kind, message=message, task="report", traceback=traceback)


#: How a job comes to each state. An idle view has none.
STATES: dict[str, Callable[[Record], Record] | None] = {
    "idle": None,
    "starting": lambda record: record,
    "queued": lambda record: record,
    "running": running,
    "running without a total": started,
    "running in steps": in_steps,
    "long words": with_long_words,
    "failed with long words": lambda record: with_long_words(record).end(
        Status.FAILED, time.time(), failure(WORD, WORD, WORD)
    ),
    "asking": asking(
        Question.make("1", "Overwrite 3 files?", ["yes", "no"], "no", time.time() + 90)
    ),
    "asking for a text": asking(
        Question.make("1.1", "What is the name of the copy?", None, "backup", None)
    ),
    "succeeded": ended(Status.SUCCEEDED),
    "failed": ended(
        Status.FAILED,
        failure("ValueError", 'column 3 holds no number: "n/a"', TRACEBACK),
    ),
    "lost": ended(
        Status.LOST,
        failure("Lost", "Out of memory, probably (SIGKILL)."),
    ),
    "timed out": ended(Status.TIMED_OUT, JobError.timed_out("report", 60)),
    "cancelled": ended(Status.CANCELLED),
    "rejected": lambda record: record.end(
        Status.REJECTED, time.time(), JobError.queue_full("report", 1000)
    ),
}

PLACES = {"starting": Place(position=1, wait=0), "queued": Place(position=6, wait=10)}


class StatesManager(RecordingManager):
    """Has each job in the state that the id of its Input names."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, Place] = {}

    def submit(
        self,
        task: Task,
        call: Call,
        lane: Lane | None = None,
        owner: str | None = None,
        again: str | None = None,
    ) -> str | None:
        state = call.context["inputs"][0]["id"]["state"]
        job_id = super().submit(task, call, lane, owner)
        assert job_id is not None
        bring = STATES[state]
        assert bring is not None
        new = replace(self.records[job_id], created=time.time() - 80)
        self.records[job_id] = bring(new)
        if state in PLACES:
            self.places[job_id] = PLACES[state]
        if state == "succeeded":
            self.results[job_id] = b"{}"
        return job_id

    def read(self, job_id: str, cursor: int) -> Snapshot:
        return replace(super().read(job_id, cursor), place=self.places.get(job_id))


def plain(rows: Any) -> Any:
    return html.Div([html.Header(dlc.LongJobTray(id="tray")), rows])


def in_bootstrap(rows: Any) -> Any:
    bar = dbc.Navbar(
        dbc.Container([dbc.NavbarBrand("Reports"), dlc.LongJobTray(id="tray")]),
        color="dark",
        dark=True,
    )
    return html.Div([bar, dbc.Container(rows, fluid=True)])


def in_mantine(rows: Any) -> Any:
    bar = dmc.Group([dmc.Title("Reports", order=4), dlc.LongJobTray(id="tray")])
    return dmc.MantineProvider([dmc.Paper(bar, p="sm", withBorder=True), rows])


#: For each library: what is around the page, and around each view.
HOSTS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "alone": (plain, html.Div),
    "dbc": (in_bootstrap, lambda view: dbc.Card(dbc.CardBody(view))),
    "dmc": (in_mantine, lambda view: dmc.Card(view, withBorder=True)),
}


def make(host: str) -> dash.Dash:
    """Return the app. Its jobs start when the page is loaded."""
    around, card = HOSTS[host]
    app = dlc.Dash(__name__, long_callback_manager=StatesManager())
    app.layout = around(
        html.Div(
            [
                html.Section(
                    [html.H2(state), *(card(view(state, each)) for each in VARIANTS)]
                )
                for state in STATES
            ]
            + [html.Section([html.H2("buttons"), card(buttons())])],
            id="states",
        )
    )
    for variant in VARIANTS:

        @app.long_callback(
            Output({"out": variant, "state": MATCH}, "children"),
            Input({"go": variant, "state": MATCH}, "n_clicks"),
            job={"job": variant, "state": MATCH},
        )
        def make_report(n_clicks: int) -> str:
            return ""

    return app


def view(state: str, variant: Literal["full", "compact"]) -> Any:
    parts: list[Any] = [
        dlc.LongJob(
            "No report yet", id={"job": variant, "state": state}, variant=variant
        )
    ]
    if STATES[state] is not None:
        parts += [
            html.Button(id={"go": variant, "state": state}, hidden=True),
            html.Span(id={"out": variant, "state": state}),
        ]
    return html.Div(parts)


def buttons() -> Any:
    """Buttons in their states, beside each other."""
    busy = {"job": "full", "state": "running"}
    idle = {"job": "full", "state": "succeeded"}
    return html.Div(
        [
            dlc.LongJobButton("Run", id="idle", job=idle),
            dlc.LongJobButton("Run", id="off", disabled=True),
            dlc.LongJobButton("Run", id="busy", job=busy, busy="Computing…"),
            dlc.LongJobButton("Run", id="cancel", job=busy, cancel=True),
            dlc.LongJobButton(
                "Run", id="styled", job=busy, className="btn btn-primary"
            ),
        ],
        style={"display": "flex", "flexWrap": "wrap", "gap": "8px"},
    )
