"""# Disable the button while the callback runs

`running` names properties, the value each has while the job runs, and the one it
has afterwards: after a result, an error or a cancel, always.
"""

import time

import dash
from dash import Input, Output, html

from dash_long_components import long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Disabled button",
    description="The button is disabled for as long as the callback runs.",
    order=7,
)

demo = html.Div(
    [
        html.Div([html.P(id="disable-paragraph", children=["Button not clicked"])]),
        html.Button(id="disable-button", children="Run Job!"),
    ]
)


@long_callback(
    output=Output("disable-paragraph", "children"),
    inputs=Input("disable-button", "n_clicks"),
    running=[
        (Output("disable-button", "disabled"), True, False),
    ],
)
def callback(n_clicks):
    time.sleep(2.0)
    return [f"Clicked {n_clicks} times"]


layout = example(__file__, demo)
