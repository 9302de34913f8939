"""Things that happen in quick succession, with a log of the jobs that ended."""

import os
import time
from pathlib import Path

import diskcache
from dash import Input, Output, State, dcc, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

cache = diskcache.Cache("./cache")
manager = DiskcacheLongCallbackManager(cache, max_concurrency=8)
app = dash.Dash(__name__, long_callback_manager=manager)

app.layout = html.Div(
    [
        dcc.Input(id="word", value=""),
        html.P(id="echo"),
        html.P("idle", id="echo-status"),
        html.Hr(),
        dcc.Input(id="state", value="before"),
        html.Button("Run", id="run"),
        html.Button("Cancel", id="cancel"),
        html.P(id="result"),
        html.P("idle", id="run-status"),
    ]
)


def note(log: str, what: object) -> None:
    with Path(log).open("a") as file:
        file.write(f"{what}\n")


@app.long_callback(
    Output("echo", "children"),
    Input("word", "value"),
    running=[(Output("echo-status", "children"), "running", "idle")],
    prevent_initial_call=True,
)
def echo(word: str) -> str:
    time.sleep(0.3)
    note("ended.log", word)
    return word


@app.long_callback(
    Output("result", "children"),
    Input("run", "n_clicks"),
    State("state", "value"),
    running=[(Output("run-status", "children"), "running", "idle")],
    cancel=Input("cancel", "n_clicks"),
    prevent_initial_call=True,
)
def run(n_clicks: int, state: str) -> str:
    note("pids.log", os.getpid())
    while not Path(f"go {n_clicks}").exists():
        time.sleep(0.02)
    note("ended.log", f"run {n_clicks}")
    return f"{n_clicks} {state}"


if __name__ == "__main__":
    app.run()
