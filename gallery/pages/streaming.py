"""# Streaming

The page shows each value that a generator function yields, at once. A `Patch` adds to
the value before. Reload the page while it runs: nothing is lost, and nothing comes
twice.
"""

import time

import dash
from dash import Input, Output, Patch, html

from dash_long_components import long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Streaming",
    description="The answer appears word by word.",
    order=5,
)

demo = html.Div(
    [
        html.Div([html.P(id="streaming-paragraph", children="Button not clicked")]),
        html.Button(id="streaming-button", children="Run Job!"),
        html.Button(id="streaming-cancel", children="Cancel Running Job!"),
    ]
)

ANSWER = """
A long callback may be a generator function. Its yields go to its outputs at
once: a text that grows, a table that gets its rows one by one, a figure that is drawn
in ever more detail. The last one is the result.
"""


@long_callback(
    output=Output("streaming-paragraph", "children"),
    inputs=Input("streaming-button", "n_clicks"),
    running=[
        (Output("streaming-button", "disabled"), True, False),
        (Output("streaming-cancel", "disabled"), False, True),
    ],
    cancel=[Input("streaming-cancel", "n_clicks")],
    prevent_initial_call=True,
)
def callback(n_clicks):
    yield ""
    for word in ANSWER.split():
        text = Patch()
        text += f"{word} "
        yield text
        time.sleep(0.1)


layout = example(__file__, demo)
