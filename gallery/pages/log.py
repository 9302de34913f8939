"""# Log

`current_job().log()` adds a line to the log of the job, which its `LongJob` shows. A
`JobLogHandler` adds the lines of Python's `logging` as well.
"""

import logging
import time

import dash
from dash import Input, Output, html

from dash_long_components import JobLogHandler, LongJob, current_job, long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Log",
    description="The page shows the lines that the job logs.",
    order=4,
)

demo = html.Div(
    [
        html.Div([html.P(id="log-paragraph", children=["Button not clicked"])]),
        html.Button(id="log-button", children="Run Job!"),
        LongJob(id="log-job"),
    ]
)

logger = logging.getLogger("gallery.log")
logger.setLevel(logging.INFO)
logger.addHandler(JobLogHandler())


@long_callback(
    output=Output("log-paragraph", "children"),
    inputs=Input("log-button", "n_clicks"),
    job="log-job",
    prevent_initial_call=True,
)
def callback(set_progress, n_clicks):
    for step in range(5):
        set_progress((step, 5, f"Step {step + 1}"))
        current_job().log(f"Step {step + 1} begins")
        time.sleep(1.0)
        logger.info("Step %d took a second", step + 1)
    return [f"Clicked {n_clicks} times"]


layout = example(__file__, demo)
