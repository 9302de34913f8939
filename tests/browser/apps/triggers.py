"""Things that happen in quick succession, with a log of the jobs that ended."""

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
        html.Hr(),
        html.Button("Clock", id="clock"),
        html.P(id="time"),
    ]
)


def note_end(what: str) -> None:
    with Path("ended.log").open("a") as log:
        log.write(f"{what}\n")


@app.long_callback(
    Output("echo", "children"),
    Input("word", "value"),
    running=[(Output("echo-status", "children"), "running", "idle")],
    prevent_initial_call=True,
)
def echo(word: str) -> str:
    time.sleep(0.3)
    note_end(word)
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
    time.sleep(1.0)
    note_end(f"run {n_clicks}")
    return f"{n_clicks} {state}"


@app.long_callback(
    Output("time", "children"),
    Input("clock", "n_clicks"),
    prevent_initial_call=True,
)
def clock(n_clicks: int) -> str:
    """End later than a run that was started before."""
    time.sleep(1.5)
    note_end("clock")
    return f"clock {n_clicks}"


if __name__ == "__main__":
    app.run()
