"""The page of the comparison, with a background callback of Dash."""

import os

import dash
import diskcache
from dash import Input, Output, html
from work import report, run

app = dash.Dash(
    __name__,
    background_callback_manager=dash.DiskcacheManager(
        diskcache.Cache(os.environ["FOLDER"])
    ),
)
server = app.server
app.layout = html.Div(
    [
        html.Button("Run", id="run"),
        html.Button("Ordinary", id="ordinary"),
        html.P(id="out"),
        html.P(id="pong"),
        html.Progress(id="bar"),
    ]
)


@dash.callback(
    Output("out", "children"),
    Input("run", "n_clicks"),
    background=True,
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


# Dash sets an app up at its first request, and meanwhile answers others with errors.
server.test_client().get("/")
