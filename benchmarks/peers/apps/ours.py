"""The page of the comparison, with a long callback."""

import os

import diskcache
from dash import Input, Output, html
from work import PLACES, report, run

from dash_long_components import (
    Dash,
    DiskcacheLongCallbackManager,
    LongJob,
    long_callback,
)

manager = DiskcacheLongCallbackManager(
    diskcache.Cache(os.environ["FOLDER"]), max_concurrency=PLACES
)
app = Dash(
    __name__,
    long_callback_manager=manager,
    **({"backend": "fastapi"} if "ASGI" in os.environ else {}),
)
server = app.server
app.layout = html.Div(
    [
        html.Button("Run", id="run"),
        html.Button("Ordinary", id="ordinary"),
        html.P(id="out"),
        html.P(id="pong"),
        html.Progress(id="bar"),
        LongJob(id="job"),
    ]
)


@long_callback(
    Output("out", "children"),
    Input("run", "n_clicks"),
    job="job",
    progress=[Output("bar", "value"), Output("bar", "max")],
    prevent_initial_call=True,
)
def job(set_progress, clicks):
    return run(lambda done, total: set_progress((str(done), str(total))))


@app.callback(
    Output("pong", "children"),
    Input("ordinary", "n_clicks"),
    prevent_initial_call=True,
)
def ordinary(clicks):
    return report("pong")
