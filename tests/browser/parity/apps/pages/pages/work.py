"""The page that two jobs run for; they go on when their file is there."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dash
from dash import Input, Output, html

from dash_long_components import long_callback

dash.register_page(__name__, path="/")

layout = html.Div(
    [
        html.H1("Work"),
        html.Button("Run", id="run"),
        html.Button("Second", id="second"),
        html.P("idle", id="status"),
        html.P("idle", id="second-status"),
        html.Progress(id="bar"),
        html.P("not run", id="result"),
        html.P("not run", id="second-result"),
    ]
)

# On the other page, and shared.
CANCEL = Input("cancel", "n_clicks")


def hold(name: str) -> None:
    while not Path(f"go {name}").exists():
        time.sleep(0.02)
    Path(f"ended {name}").touch()


@long_callback(
    Output("result", "children"),
    Input("run", "n_clicks"),
    running=[(Output("status", "children"), "running", "idle")],
    progress=[Output("bar", "value"), Output("bar", "max")],
    progress_default=["0", "9"],
    cancel=CANCEL,
    prevent_initial_call=True,
    interval=200,
)
def run(set_progress: Callable[[Any], None], n_clicks: int) -> str:
    set_progress(["3", "10"])
    hold(f"run {n_clicks}")
    return f"run {n_clicks}"


@long_callback(
    Output("second-result", "children"),
    Input("second", "n_clicks"),
    running=[(Output("second-status", "children"), "running", "idle")],
    cancel=[CANCEL],
    prevent_initial_call=True,
    interval=200,
)
def second(n_clicks: int) -> str:
    hold(f"second {n_clicks}")
    return f"second {n_clicks}"
