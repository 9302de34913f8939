"""Thirteen jobs on one page, beside an ordinary callback."""

import time

import diskcache
from dash import Input, Output, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

JOBS = 13

cache = diskcache.Cache("./cache")
manager = DiskcacheLongCallbackManager(cache, max_concurrency=JOBS)
app = dash.Dash(__name__, long_callback_manager=manager)
server = app.server

app.layout = html.Div(
    [
        html.Button("Ordinary", id="ordinary"),
        html.P("-", id="answer"),
        html.Button("Start all", id="start"),
        html.Button("Stop all", id="stop"),
        *(html.P("idle", id=f"status-{index}") for index in range(JOBS)),
        *(html.P("-", id=f"job-{index}") for index in range(JOBS)),
    ]
)


@app.callback(
    Output("answer", "children"),
    Input("ordinary", "n_clicks"),
    prevent_initial_call=True,
)
def answer(n_clicks: int) -> str:
    return f"answer {n_clicks}"


def add_job(index: int) -> None:
    @app.long_callback(
        Output(f"job-{index}", "children"),
        Input("start", "n_clicks"),
        running=[(Output(f"status-{index}", "children"), "running", "idle")],
        cancel=Input("stop", "n_clicks"),
        prevent_initial_call=True,
    )
    def job(n_clicks: int) -> str:
        time.sleep(600)
        return f"done {n_clicks}"


for index in range(JOBS):
    add_job(index)


if __name__ == "__main__":
    app.run()
