"""# Parts

The job gives one part to each process, and gets the results in order.
"""

import time

import dash
from dash import Input, Output, html

from dash_long_components import LongJob, current_job, long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Parts",
    description="A job whose parts run at the same time, on all CPUs or workers.",
    order=13,
)

demo = html.Div(
    [
        html.Div([html.P(id="parts-paragraph", children=["Button not clicked"])]),
        html.Button(id="parts-button", children="Run Job!"),
        LongJob(id="parts-job"),
    ]
)


def square(number):
    time.sleep(0.5)
    current_job().log(f"the square of {number}")
    return number * number


@long_callback(
    output=Output("parts-paragraph", "children"),
    inputs=Input("parts-button", "n_clicks"),
    job="parts-job",
    prevent_initial_call=True,
)
def callback(n_clicks):
    squares = current_job().map(square, range(12), max_workers=4, text="Squares")
    return [f"Clicked {n_clicks} times, and the sum is {sum(squares)}"]


layout = example(__file__, demo)
