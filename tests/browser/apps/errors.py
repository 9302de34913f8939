"""Every way in which a job can end without a result."""

import os
import signal
import sys
from typing import Any

import diskcache
from dash import Input, Output, ctx, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager, LongJob

#: Releases of Dash before 4.2 don't know the argument.
backend: Any = {"backend": os.environ["BACKEND"]} if "BACKEND" in os.environ else {}
app = dash.Dash(
    __name__,
    **backend,
    long_callback_manager=DiskcacheLongCallbackManager(diskcache.Cache("./cache")),
)

ENDS = ["raise", "exit", "kill", "unserialisable"]

app.layout = html.Div(
    [
        *(html.Button(end, id=end) for end in ENDS),
        html.P("untouched", id="text"),
        html.P("idle", id="status"),
        html.Button("patient", id="patient"),
        LongJob(id="patient-job"),
    ]
)


@app.long_callback(
    Output("text", "children"),
    [Input(end, "n_clicks") for end in ENDS],
    running=[(Output("status", "children"), "running", "idle")],
    prevent_initial_call=True,
)
def end_badly(*_clicks: int) -> object:
    match ctx.triggered_id:
        case "raise":
            raise KeyError("the key that is missing")
        case "exit":
            sys.exit(3)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
    return object()


@app.long_callback(
    Input("patient", "n_clicks"),
    job="patient-job",
    retries=3,
    backoff=600,
    prevent_initial_call=True,
)
def be_patient(_clicks: int) -> None:
    raise ConnectionError("refused")


if __name__ == "__main__":
    app.run(debug="--debug" in sys.argv)
