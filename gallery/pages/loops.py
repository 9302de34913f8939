"""# Progress without wiring

`job` names the `LongJob` that shows the job. It shows a bar for each loop of
[tqdm](https://tqdm.github.io), without further code, and for each loop of
`current_job().track()`. Once the callback has run, it also shows the time left.
"""

import time

import dash
from dash import Input, Output, html
from tqdm import tqdm

from dash_long_components import LongJob, current_job, long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Loops",
    description="Loops are progress bars, with no code for it.",
    order=2,
)

demo = html.Div(
    [
        html.Div([html.P(id="loops-paragraph", children=["Button not clicked"])]),
        html.Button(id="loops-button", children="Run Job!"),
        LongJob(id="loops-job"),
    ]
)


@long_callback(
    output=Output("loops-paragraph", "children"),
    inputs=Input("loops-button", "n_clicks"),
    job="loops-job",
    prevent_initial_call=True,
)
def callback(n_clicks):
    for _ in tqdm(range(4), desc="Folders"):
        for _ in current_job().track(range(20), text="Files"):
            time.sleep(0.1)
    return [f"Clicked {n_clicks} times"]


layout = example(__file__, demo)
