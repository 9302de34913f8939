"""# Queues and priorities

Jobs with `queue="single"` wait for workers of their own: the manager runs one of them
at once, and the jobs of the other pages need not wait for them. The urgent job comes
last, and starts before those that still wait.
"""

import time

import dash
from dash import Input, Output, html

from dash_long_components import LongJob, long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Queues",
    description="A queue with workers of its own, and a job that passes others.",
    order=12,
)

JOBS = ["1", "2", "3", "urgent"]

demo = html.Div(
    [
        html.Div([html.P(id="queues-paragraph", children=["Button not clicked"])]),
        html.Button(id="queues-button", children="Run Jobs!"),
        *(LongJob(id=f"queues-job-{name}") for name in JOBS),
        *(html.P(id=f"queues-{name}") for name in JOBS),
    ]
)


def callback(set_progress, n_clicks):
    for step in range(15):
        set_progress((step, 15))
        time.sleep(0.2)
    return f"Clicked {n_clicks} times, done at {time.strftime('%X')}"


for name in JOBS:
    long_callback(
        output=Output(f"queues-{name}", "children"),
        inputs=Input("queues-button", "n_clicks"),
        job=f"queues-job-{name}",
        title=f"Job {name}",
        queue="single",
        priority=9 if name == "urgent" else 0,
        prevent_initial_call=True,
    )(callback)


layout = example(__file__, demo)
