"""# Questions

The job asks before it goes on. Answer in the view or in the tray. If you do not, the
answer is "no" after a minute.
"""

import time

import dash
from dash import Input, Output, html

from dash_long_components import LongJob, current_job, long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Questions",
    description="A job that asks, and waits for the answer.",
    order=13,
)

demo = html.Div(
    [
        html.Div([html.P(id="questions-paragraph", children=["Button not clicked"])]),
        html.Button(id="questions-button", children="Run Job!"),
        LongJob(id="questions-job"),
    ]
)


@long_callback(
    output=Output("questions-paragraph", "children"),
    inputs=Input("questions-button", "n_clicks"),
    job="questions-job",
    prevent_initial_call=True,
)
def callback(n_clicks):
    job = current_job()
    time.sleep(1)
    answer = job.ask(
        "Overwrite 3 files?", choices=["yes", "no"], default="no", timeout=60
    )
    if answer == "no":
        return [f"Clicked {n_clicks} times, nothing overwritten"]
    name = job.ask("What is the name of the copy?", default="backup", timeout=60)
    for _ in job.track(range(3), text="Files"):
        time.sleep(1)
    return [f"Clicked {n_clicks} times, and kept a copy as {name}"]


layout = example(__file__, demo)
