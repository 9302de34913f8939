"""Rows with jobs of their own, beside ordinary callbacks of the same dependencies.

A job goes on when the file that it waits for is there; ``started.log`` and
``ended.log`` say what ran.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diskcache
from dash import ALL, ALLSMALLER, MATCH, Input, Output, Patch, State, ctx, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

cache = diskcache.Cache("./cache")
manager = DiskcacheLongCallbackManager(cache, max_concurrency=8)
app = dash.Dash(__name__, long_callback_manager=manager)


def wild(kind: str, index: Any) -> dict[str, Any]:
    return {"type": kind, "index": index}


def row(index: int) -> html.Div:
    parts: list[Any] = [
        html.Button("Run", id=wild("run", index), className="run"),
        html.Button("Cancel", id=wild("cancel", index), className="cancel"),
        html.Button("Stop above", id=wild("stop", index), className="stop"),
    ]
    kinds = ("result", "status", "progress", "lower", "note", "below", "below-plain")
    for kind in (*kinds, "seen", "seen-note", "seen-status"):
        parts.append(html.Span(id=wild(kind, index), className=kind))
    return html.Div(parts, className="row")


app.layout = html.Div(
    [
        html.Button("Add", id="add"),
        html.Button("All", id="all"),
        html.Button("Show", id="show"),
        html.P(id="all-result"),
        html.P(id="sum"),
        html.P(id="sum-plain"),
        html.Div([row(index) for index in range(3)], id="rows"),
        html.Div(id="late"),
    ]
)
late = [
    html.Button("Late", id="late-run"),
    html.Button("Late cancel", id="late-cancel"),
    html.P(id="late-result"),
    html.P(id="late-status"),
]
app.validation_layout = html.Div([app.layout, *late])  # type: ignore[assignment]


def note(log: str, what: str) -> None:
    with Path(log).open("a") as file:
        file.write(f"{what}\n")


def hold(what: str) -> None:
    note("started.log", what)
    while not Path(f"go {what}").exists():
        time.sleep(0.02)
    note("ended.log", what)


@app.callback(
    Output("rows", "children"),
    Input("add", "n_clicks"),
    prevent_initial_call=True,
)
def add(n_clicks: int) -> Patch:
    patch = Patch()
    patch.append(row(2 + n_clicks))
    return patch


@app.callback(
    Output("late", "children"), Input("show", "n_clicks"), prevent_initial_call=True
)
def show(_clicks: int) -> Any:
    return late


@app.long_callback(
    Output(wild("result", MATCH), "children"),
    Input(wild("run", MATCH), "n_clicks"),
    State(wild("result", ALLSMALLER), "children"),
    running=[
        (Output(wild("status", MATCH), "children"), "running", "idle"),
        (Output(wild("lower", ALLSMALLER), "children"), "above runs", "quiet"),
    ],
    progress=[
        Output(wild("progress", MATCH), "children"),
        Output(wild("note", ALLSMALLER), "children"),
    ],
    progress_default=["-", "-"],
    cancel=[
        Input(wild("cancel", MATCH), "n_clicks"),
        Input(wild("stop", ALLSMALLER), "n_clicks"),
    ],
    prevent_initial_call=True,
    interval=200,
)
def run(set_progress: Callable[[Any], None], n_clicks: int, smaller: list[str]) -> str:
    index = ctx.outputs_list["id"]["index"]
    set_progress(
        [f"{index} began", [f"{index} above {lower}" for lower in range(index)]]
    )
    hold(f"row {index}")
    return f"{index} clicked {n_clicks} above {len(smaller)}"


@app.long_callback(
    Output(wild("seen", ALL), "children"),
    Output("all-result", "children"),
    Input("all", "n_clicks"),
    State(wild("run", ALL), "n_clicks"),
    running=[(Output(wild("seen-status", ALL), "children"), "on", "off")],
    progress=Output(wild("seen-note", ALL), "children"),
    cancel=Input(wild("cancel", ALL), "n_clicks"),
    prevent_initial_call=True,
    interval=200,
)
def see(
    set_progress: Callable[[Any], None], n_clicks: int, clicks: list[int | None]
) -> Any:
    set_progress([f"note {index}" for index in range(len(clicks))])
    hold(f"all {n_clicks}")
    return [f"{index}: {n}" for index, n in enumerate(clicks)], str(clicks)


def total(clicks: list[int | None]) -> str:
    return f"{clicks} by {ctx.triggered_id}"


SUM = (Input(wild("run", ALL), "n_clicks"),)
app.callback(Output("sum-plain", "children"), *SUM)(total)
app.long_callback(Output("sum", "children"), *SUM)(total)


def below(own: int | None, smaller: list[int | None]) -> str:
    return f"{own} above {smaller}"


BELOW = (
    Input(wild("run", MATCH), "n_clicks"),
    Input(wild("run", ALLSMALLER), "n_clicks"),
)
app.callback(Output(wild("below-plain", MATCH), "children"), *BELOW)(below)
app.long_callback(Output(wild("below", MATCH), "children"), *BELOW)(below)


@app.long_callback(
    Output("late-result", "children"),
    Input("late-run", "n_clicks"),
    running=[(Output("late-status", "children"), "running", "idle")],
    cancel=Input("late-cancel", "n_clicks"),
    prevent_initial_call=True,
    interval=200,
)
def run_late(n_clicks: int) -> str:
    hold(f"late {n_clicks}")
    return f"late {n_clicks}"


if __name__ == "__main__":
    app.run(debug=True, use_reloader=False, dev_tools_hot_reload=False)
