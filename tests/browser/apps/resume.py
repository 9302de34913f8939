"""A job that runs until the test ends it, on any manager.

It runs at page load and by a button. ``SETTINGS`` are the manager's, as JSON, those of
Celery among them; what happens is noted down in files in ``FOLDER``.
"""

import os
import time
from typing import Any
from uuid import uuid4

from any_manager import FOLDER, make_manager  # type: ignore[import-not-found]
from dash import Input, Output, State, dcc, html, set_props

import dash_long_components as dash
from dash_long_components import LongCallbackManager, LongJob

manager: LongCallbackManager = make_manager(__name__)
#: For the command line of Celery.
celery_app = manager.handle
#: Releases of Dash before 4.2 don't know the argument.
backend: Any = {"backend": os.environ["BACKEND"]} if "BACKEND" in os.environ else {}
if "WEBSOCKET" in os.environ:
    backend["websocket_callbacks"] = True
app = dash.Dash(__name__, **backend, long_callback_manager=manager)


def layout() -> html.Div:
    """Make the layout of a page, which has a name of its own."""
    return html.Div(
        [
            dcc.Store(id="page", data=uuid4().hex),
            html.Button("Run", id="run"),
            html.P("idle", id="status"),
            html.P("", id="step"),
            html.P("", id="note"),
            html.P("nothing", id="out"),
            html.P("", id="owner"),
            html.P("0", id="applied"),
            html.P("", id="connection"),
            LongJob(id="job"),
        ]
    )


app.layout = layout


def note_down(file: str, text: object) -> None:
    with (FOLDER / file).open("a") as log:
        log.write(f"{text}\n")


@app.long_callback(
    [Output("out", "children"), Output("owner", "children")],
    Input("run", "n_clicks"),
    State("page", "data"),
    running=[(Output("status", "children"), "running", "idle")],
    progress=Output("step", "children"),
    progress_default="",
    job="job",
)
def run(set_progress, n_clicks, page):  # type: ignore[no-untyped-def]
    note_down("started.log", n_clicks)
    if n_clicks is None:
        return "at load", page
    note_down("pids", os.getpid())
    set_progress("half")
    set_props("note", {"children": "noted"})
    while not (FOLDER / "go-on").exists():
        time.sleep(0.02)
    note_down("ended.log", n_clicks)
    return f"run {n_clicks}", page


# The number of results on the page.
app.clientside_callback(  # type: ignore[no-untyped-call]
    """function(out) {
        window.timesApplied = (window.timesApplied || 0) + (out !== 'at load');
        return String(window.timesApplied);
    }""",
    Output("applied", "children"),
    Input("out", "children"),
    prevent_initial_call=True,
)
app.clientside_callback(  # type: ignore[no-untyped-call]
    """function(connection) {
        const seen = window.connections = window.connections || [];
        if (connection) seen.push(connection);
        return connection;
    }""",
    Output("connection", "children"),
    Input("job", "connection"),
)


if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
