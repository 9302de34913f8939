"""# Simple example

The callback sleeps for two seconds in a process of its own. Then it returns the number
of clicks. Click again while it runs: the last click counts.
"""

import time

import dash
from dash import Input, Output, html

from dash_long_components import long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Simple example",
    description="A button, a callback that takes two seconds, and its result.",
    order=6,
)

demo = html.Div(
    [
        html.Div([html.P(id="simple-paragraph", children=["Button not clicked"])]),
        html.Button(id="simple-button", children="Run Job!"),
    ]
)


@long_callback(
    output=Output("simple-paragraph", "children"),
    inputs=Input("simple-button", "n_clicks"),
)
def callback(n_clicks):
    time.sleep(2.0)
    return [f"Clicked {n_clicks} times"]


layout = example(__file__, demo)
