"""# Queue

The manager limits how many jobs run at once. The view of a waiting job shows its place
in the queue and when it will probably start. A dict id with `MATCH` gives each job a
view of its own. The tray above the page lists all jobs, on every page.
"""

import time

import dash
from dash import ALL, MATCH, Input, Output, html
from dash import callback as ordinary_callback

from dash_long_components import LongJob, long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Queue",
    description="More jobs than workers: each shows its place in the queue.",
    order=12,
)

JOBS = range(1, 9)

demo = html.Div(
    [
        html.Div([html.P(id="queue-paragraph", children=["Button not clicked"])]),
        html.Button(id="queue-button", children="Run Jobs!"),
        *(
            html.Div(
                [
                    html.I(id={"type": "queue-start", "number": number}),
                    LongJob(id={"type": "queue-job", "number": number}),
                ]
            )
            for number in JOBS
        ),
    ]
)


@ordinary_callback(
    Output({"type": "queue-start", "number": ALL}, "n_clicks"),
    Output("queue-paragraph", "children"),
    Input("queue-button", "n_clicks"),
    prevent_initial_call=True,
)
def start(n_clicks):
    return [n_clicks for _ in JOBS], [f"Clicked {n_clicks} times"]


@long_callback(
    output=Output({"type": "queue-start", "number": MATCH}, "title"),
    inputs=Input({"type": "queue-start", "number": MATCH}, "n_clicks"),
    job={"type": "queue-job", "number": MATCH},
    prevent_initial_call=True,
)
def callback(set_progress, n_clicks):
    for step in range(20):
        set_progress((step, 20))
        time.sleep(0.2)
    return f"done {n_clicks} times"


layout = example(__file__, demo)
