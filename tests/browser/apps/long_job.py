"""LongJob in every state: its jobs go on when the test lets them."""

import os
import time
from pathlib import Path

import diskcache
from dash import Input, Output, State, html

import dash_long_components as dash
from dash_long_components import (
    DiskcacheLongCallbackManager,
    LongJob,
    LongJobTray,
    current_job,
)

manager = DiskcacheLongCallbackManager(diskcache.Cache("./cache"), max_concurrency=1)
app = dash.Dash(__name__, long_callback_manager=manager)
app.layout = html.Main(
    [
        html.H1("Views"),
        LongJobTray(id="tray"),
        html.Button("Start", id="start"),
        html.Button("Start the other", id="start-other"),
        html.Button("Start two loops", id="start-two"),
        html.Button("Cancel", id="cancel"),
        html.Button("Retry", id="retry"),
        LongJob("Nothing yet", id="job", style={"maxWidth": "28rem"}),
        LongJob(id="other", show=["name", "status", "queue", "cancel"]),
        html.P("-", id="out"),
        LongJob(id="two"),
        html.P("-", id="out-other"),
        html.P("-", id="out-two"),
        html.P("-", id="read"),
    ]
)


@app.long_callback(
    Output("out", "children"),
    Input("start", "n_clicks"),
    job="job",
    prevent_initial_call=True,
)
def work(n_clicks: int) -> str:
    for step in current_job().track(range(10), text="Reading"):
        current_job().log(f"step {step}")
        if step == 3:
            wait_for("go-on")
            if Path("fail").exists():
                raise ValueError("column 3 holds no number")
    return f"run {n_clicks}"


@app.long_callback(
    Output("out-other", "children"),
    Input("start-other", "n_clicks"),
    job="other",
    prevent_initial_call=True,
)
def other_work(n_clicks: int) -> str:
    wait_for("go-on")
    return f"other run {n_clicks}"


@app.long_callback(
    Output("out-two", "children"),
    Input("start-two", "n_clicks"),
    job="two",
    prevent_initial_call=True,
)
def two_loops(n_clicks: int) -> str:
    for loop in current_job().track(range(2), text="Both"):
        for step in current_job().track(range(4), text="One"):
            if (loop, step) in ((0, 3), (1, 1)):
                wait_for(f"go-on-{loop}")
    return f"run {n_clicks}"


@app.callback(
    Output("read", "children"),
    Input("job", "status"),
    Input("job", "progress"),
    Input("job", "elapsed"),
    State("job", "n_runs"),
    prevent_initial_call=True,
)
def read(status: str, progress: float | None, elapsed: float, n_runs: int) -> str:
    with Path("reads.log").open("a") as log:
        log.write(f"{time.time()} {status} {progress} {elapsed}\n")
    return f"{n_runs}: {status} {progress} {elapsed}"


for name in ("cancel", "retry"):
    app.callback(
        Output("job", name), Input(name, "n_clicks"), prevent_initial_call=True
    )(lambda n_clicks: n_clicks)


def wait_for(file: str) -> None:
    while not Path(file).exists():
        time.sleep(0.02)


if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]))
