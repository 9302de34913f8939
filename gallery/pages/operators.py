"""# A page for operators

`LongJobAdmin` shows the jobs of all users, the tasks and the processes. An operator
cancels and retries jobs, pauses tasks, and refuses new jobs before a deployment. Jobs
with checkpoints stop then, and go on later: refuse new jobs, and accept them again. The
app names its operators by `long_callback_admin`; everyone else gets a 404.
"""

import time

import dash
from dash import Input, Output, html

from dash_long_components import LongJobAdmin, current_job, long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Operators",
    description="All jobs of all users, with buttons to cancel, retry and pause.",
    order=17,
)

demo = html.Div(
    [
        html.Div([html.P(id="operators-paragraph", children=["Button not clicked"])]),
        html.Button(id="operators-button", children="Run Job!"),
        html.P("Click several times. Every third job fails."),
    ]
)


@long_callback(
    output=Output("operators-paragraph", "children"),
    inputs=Input("operators-button", "n_clicks"),
    on_retrigger="parallel",
    retries=1,
    retry_on="lost",
    prevent_initial_call=True,
)
def callback(n_clicks):
    for _ in current_job().track(range(40), checkpoint=True):
        time.sleep(0.3)
    if n_clicks % 3 == 0:
        raise ValueError("This one has failed.")
    return f"Clicked {n_clicks} times"


admin = html.Section(LongJobAdmin(), className="card", style={"marginTop": "1.5rem"})
layout = html.Div([example(__file__, demo), admin])
