"""# Job view

A `LongJob` shows the state of a job in the colours of the page, or in words and colours
of your own. Other callbacks can read its properties, as the line below the buttons
does, and can cancel or retry its job.
"""

import time

import dash
from dash import Input, Output, html
from dash import callback as ordinary_callback

from dash_long_components import LongJob, current_job, long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Job view",
    description="A job on the page and in callbacks, in words and colours of your own.",
    order=1,
)

demo = html.Div(
    [
        html.Div([html.P(id="view-paragraph", children=["Button not clicked"])]),
        html.Button(id="view-button", children="Run Job!"),
        html.Button(id="view-cancel", children="Cancel Running Job!"),
        html.P(id="view-read", children="-"),
        LongJob("No job yet", id="view-job"),
        html.Hr(),
        LongJob(
            id="view-words",
            show=["name", "status", "bar", "eta"],
            labels={"running": "läuft", "succeeded": "fertig", "eta": "noch {time}"},
            style={"--long-job-accent": "#b4541a", "--long-job-height": "14px"},
        ),
    ]
)


def work():
    for step in current_job().track(range(10), text="Reading"):
        time.sleep(0.6)
        current_job().log(f"Read part {step + 1}")


@long_callback(
    output=Output("view-paragraph", "children"),
    inputs=Input("view-button", "n_clicks"),
    job="view-job",
    prevent_initial_call=True,
)
def callback(n_clicks):
    work()
    return [f"Clicked {n_clicks} times"]


@long_callback(
    inputs=Input("view-button", "n_clicks"), job="view-words", prevent_initial_call=True
)
def in_other_words(n_clicks):
    work()


@ordinary_callback(
    Output("view-read", "children"),
    Input("view-job", "status"),
    Input("view-job", "progress"),
    Input("view-job", "elapsed"),
)
def read(status, progress, elapsed):
    return f"{status}, {progress or 0:.0%} after {elapsed or 0} s"


@ordinary_callback(
    Output("view-job", "cancel"),
    Input("view-cancel", "n_clicks"),
    prevent_initial_call=True,
)
def cancel(n_clicks):
    return n_clicks


layout = example(__file__, demo)
