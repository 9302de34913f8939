"""# Attempts

The job loses its connection in two of four attempts, and is killed in one. It goes on
from its last checkpoint each time: look at its log.
"""

import os
import signal
import time

import dash
from dash import Input, Output, html

from dash_long_components import LongJob, current_job, long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Attempts",
    description="A job that is tried again, and goes on from its checkpoint.",
    order=12,
)

demo = html.Div(
    [
        html.Div([html.P(id="attempts-paragraph", children=["Button not clicked"])]),
        html.Button(id="attempts-button", children="Run Job!"),
        LongJob(id="attempts-job"),
    ]
)


@long_callback(
    output=Output("attempts-paragraph", "children"),
    inputs=Input("attempts-button", "n_clicks"),
    job="attempts-job",
    retries=3,
    retry_on=(ConnectionError, "lost"),
    backoff=(4, 4),
    prevent_initial_call=True,
)
def callback(n_clicks):
    job = current_job()
    for row in job.track(range(20), text="Rows", checkpoint=True):
        time.sleep(0.2)
        job.log(f"row {row} in attempt {job.attempt}")
        if row == 5 * job.attempt and job.attempt == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if row == 5 * job.attempt:
            raise ConnectionError("the database has closed the connection")
    return [f"Clicked {n_clicks} times, done in attempt {job.attempt}"]


layout = example(__file__, demo)
