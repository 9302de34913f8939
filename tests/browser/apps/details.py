"""A job with steps and a long log, started by buttons that are busy by themselves."""

import logging
import os
import time
from pathlib import Path

import diskcache
from dash import Input, Output, dcc, html

from dash_long_components import (
    Dash,
    DiskcacheLongCallbackManager,
    LongJob,
    LongJobButton,
    current_job,
)

LONG = "x" * 400

manager = DiskcacheLongCallbackManager(diskcache.Cache("./cache"))
app = Dash(__name__, long_callback_manager=manager)
app.layout = html.Main(
    [
        LongJobButton("Run", id="run"),
        html.Form(
            [
                html.Label(["Note", dcc.Input(id="note")]),
                LongJobButton("Run", id="stop", job="job", cancel=True),
                LongJob(id="job", style={"maxWidth": "28rem"}),
            ]
        ),
        html.P("-", id="out"),
    ]
)


@app.long_callback(
    Output("out", "children"),
    Input("run", "n_clicks"),
    Input("stop", "n_clicks"),
    job="job",
    title="prices.csv",
    steps=["Read", "Fit", "Plot"],
    prevent_initial_call=True,
)
def work(*clicks: int) -> str:
    job = current_job()
    with job.step("Read"):
        for number in range(20):
            job.log(f"line {number}")
        job.log(LONG)
        job.log("a column is empty", logging.WARNING)
    with job.step("Fit"):
        for _fold in range(2):
            with job.step("Fold"):
                pass
        wait_for("go-on")
    with job.step("Plot"):
        pass
    return "done"


def wait_for(file: str) -> None:
    while not Path(file).exists():
        time.sleep(0.02)


if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]))
