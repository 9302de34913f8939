"""# Progress bar

With `progress`, the function gets `set_progress` as its first argument. It calls it
with one value for each progress output. The page shows the latest values.
"""

import time

import dash
from dash import Input, Output, html

from dash_long_components import long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Progress bar",
    description="The callback reports its progress ten times.",
    order=9,
)

demo = html.Div(
    [
        html.Div(
            [
                html.P(id="progress-paragraph", children=["Button not clicked"]),
                html.Progress(id="progress-bar"),
            ]
        ),
        html.Button(id="progress-button", children="Run Job!"),
        html.Button(id="progress-cancel", children="Cancel Running Job!"),
    ]
)


@long_callback(
    output=Output("progress-paragraph", "children"),
    inputs=Input("progress-button", "n_clicks"),
    running=[
        (Output("progress-button", "disabled"), True, False),
        (Output("progress-cancel", "disabled"), False, True),
        (
            Output("progress-paragraph", "style"),
            {"visibility": "hidden"},
            {"visibility": "visible"},
        ),
        (
            Output("progress-bar", "style"),
            {"visibility": "visible"},
            {"visibility": "hidden"},
        ),
    ],
    cancel=[Input("progress-cancel", "n_clicks")],
    progress=[Output("progress-bar", "value"), Output("progress-bar", "max")],
)
def callback(set_progress, n_clicks):
    total = 10
    for i in range(total):
        time.sleep(0.5)
        set_progress((str(i + 1), str(total)))
    return [f"Clicked {n_clicks} times"]


layout = example(__file__, demo)
