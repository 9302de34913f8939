"""# Cancel a running callback

Any change of a `cancel` input cancels the job, whatever the new value is. The manager
ends the job's process with all its child processes. The text stays as it was.
"""

import time

import dash
from dash import Input, Output, html

from dash_long_components import long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Cancel",
    description="A second button cancels the job; the text stays as it was.",
    order=8,
)

demo = html.Div(
    [
        html.Div([html.P(id="cancel-paragraph", children=["Button not clicked"])]),
        html.Button(id="cancel-button", children="Run Job!"),
        html.Button(id="cancel-cancel", children="Cancel Running Job!"),
    ]
)


@long_callback(
    output=Output("cancel-paragraph", "children"),
    inputs=Input("cancel-button", "n_clicks"),
    running=[
        (Output("cancel-button", "disabled"), True, False),
        (Output("cancel-cancel", "disabled"), False, True),
    ],
    cancel=[Input("cancel-cancel", "n_clicks")],
)
def callback(n_clicks):
    time.sleep(2.0)
    return [f"Clicked {n_clicks} times"]


layout = example(__file__, demo)
