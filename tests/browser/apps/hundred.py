"""A hundred views with a job each, beside an ordinary callback."""

import os
import time
from pathlib import Path

import diskcache
from dash import ALL, MATCH, Input, Output, html

import dash_long_components as dash
from dash_long_components import (
    DiskcacheLongCallbackManager,
    LongJob,
    LongJobTray,
    current_job,
)

JOBS = 100

manager = DiskcacheLongCallbackManager(diskcache.Cache("./cache"), max_concurrency=JOBS)
app = dash.Dash(__name__, long_callback_manager=manager)
app.layout = html.Div(
    [
        LongJobTray(id="tray"),
        html.Button("Ordinary", id="ordinary"),
        html.P("-", id="answer"),
        html.Button("Start all", id="start"),
        html.Button("Stop all", id="stop"),
        *(LongJob(id={"type": "job", "index": i}) for i in range(JOBS)),
        *(html.P("-", id={"type": "out", "index": i}) for i in range(JOBS)),
        *(html.I(id={"type": "go", "index": i}) for i in range(JOBS)),
    ]
)


@app.callback(
    Output("answer", "children"),
    Input("ordinary", "n_clicks"),
    prevent_initial_call=True,
)
def answer(n_clicks: int) -> str:
    return f"answer {n_clicks}"


@app.callback(
    Output({"type": "go", "index": ALL}, "n_clicks"),
    Input("start", "n_clicks"),
    prevent_initial_call=True,
)
def start(n_clicks: int) -> list[int]:
    return [n_clicks] * JOBS


@app.long_callback(
    Output({"type": "out", "index": MATCH}, "children"),
    Input({"type": "go", "index": MATCH}, "n_clicks"),
    cancel=Input("stop", "n_clicks"),
    job={"type": "job", "index": MATCH},
    prevent_initial_call=True,
)
def job(n_clicks: int) -> str:
    # One bar moves each second, so that every poll of the page has news.
    for _ in current_job().track(range(1000)):
        time.sleep(1)
        if Path("end").exists():
            break
    return "done"


if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]))
