"""# Steps and a button

A job names its steps, and the page shows them as a checklist with times. A
`LongJobButton` is busy by itself until the job ends, and cancels it.
"""

import time

import dash
from dash import Input, Output, html

from dash_long_components import LongJob, LongJobButton, current_job, long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Steps",
    description="A checklist with times, and a button that is busy by itself.",
    order=3,
)

demo = html.Div(
    [
        html.Div([html.P(id="steps-paragraph", children=["Button not clicked"])]),
        LongJobButton("Run Job!", id="steps-button", cancel=True),
        LongJob(id="steps-job", extra=["history"]),
    ]
)


@long_callback(
    output=Output("steps-paragraph", "children"),
    inputs=Input("steps-button", "n_clicks"),
    job="steps-job",
    title="prices.csv",
    steps=["Read", "Fit", "Plot"],
    prevent_initial_call=True,
)
def callback(n_clicks):
    job = current_job()
    with job.step("Read"):
        time.sleep(1)
    with job.step("Fit"):
        for _ in job.track(range(5), text="Fold"):
            with job.step("Fold"):
                time.sleep(0.6)
    with job.step("Plot"):
        time.sleep(1)
    return [f"Clicked {n_clicks} times"]


layout = example(__file__, demo)
