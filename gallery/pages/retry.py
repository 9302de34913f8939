"""# Errors and Retry

A `LongJob` shows why its job failed, was killed or timed out. Retry starts the job
again with the same inputs, whatever their values are now.
"""

import os
import signal
import time

import dash
from dash import Input, Output, State, dcc, html

from dash_long_components import LongJob, current_job, long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Errors and Retry",
    description="A job that fails, that is killed, or that takes too long.",
    order=11,
)

demo = html.Div(
    [
        html.Div([html.P(id="retry-paragraph", children=["Button not clicked"])]),
        dcc.RadioItems(
            ["succeeds", "fails", "is killed", "takes too long"],
            "fails",
            id="retry-end",
        ),
        html.Button(id="retry-button", children="Run Job!"),
        LongJob(id="retry-job"),
    ]
)


@long_callback(
    output=Output("retry-paragraph", "children"),
    inputs=Input("retry-button", "n_clicks"),
    state=State("retry-end", "value"),
    job="retry-job",
    timeout=5,
    prevent_initial_call=True,
)
def callback(n_clicks, end):
    for row in current_job().track(range(10), text="Rows"):
        time.sleep(0.2)
        if row == 5 and end == "fails":
            raise ValueError(f"row {row} holds no number")
        if row == 5 and end == "is killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if row == 5 and end == "takes too long":
            time.sleep(60)
    return [f"Clicked {n_clicks} times"]


layout = example(__file__, demo)
