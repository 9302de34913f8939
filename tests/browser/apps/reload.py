"""A job that runs at page load and by a button, until the test lets it go on."""

import time
from pathlib import Path

import diskcache
from dash import Input, Output, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

manager = DiskcacheLongCallbackManager(diskcache.Cache("./cache"))
app = dash.Dash(__name__, long_callback_manager=manager)
app.layout = html.Div(
    [
        html.Button("Run", id="run"),
        html.P("idle", id="status"),
        html.P("", id="step"),
        html.P("", id="note"),
        html.P("nothing", id="out"),
    ]
)


@app.long_callback(
    Output("out", "children"),
    Input("run", "n_clicks"),
    running=[(Output("status", "children"), "running", "idle")],
    progress=Output("step", "children"),
    progress_default="",
)
def run(set_progress, n_clicks):  # type: ignore[no-untyped-def]
    with Path("started.log").open("a") as log:
        log.write(f"{n_clicks}\n")
    if n_clicks is None:
        return "at load"
    set_progress("half")
    dash_props("note", {"children": "noted"})
    while not Path("go-on").exists():
        time.sleep(0.02)
    return f"run {n_clicks}"


def dash_props(component_id: str, props: dict[str, str]) -> None:
    from dash import set_props

    set_props(component_id, props)


if __name__ == "__main__":
    import os

    app.run(port=int(os.environ["PORT"]))
