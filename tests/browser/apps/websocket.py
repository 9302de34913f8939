"""Callbacks over a WebSocket. A job belongs to the user that a cookie names."""

import json
import os
import time

import diskcache
from dash import Input, Output, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager


async def user() -> str | None:
    if os.environ["BACKEND"] == "quart":
        import quart

        is_http = quart.has_request_context()
        connection = quart.request if is_http else quart.websocket
    else:
        connection = dash.get_app().backend.request_adapter()
    name: str | None = connection.cookies.get("user")
    return name


app = dash.Dash(
    __name__,
    backend=os.environ["BACKEND"],
    websocket_callbacks=True,
    long_callback_manager=DiskcacheLongCallbackManager(diskcache.Cache("./cache")),
    long_callback_user=user,
)
app.layout = html.Div(
    [
        html.Button("Run", id="run"),
        html.Button("Hold", id="hold"),
        html.Button("Stop", id="stop"),
        html.P("", id="context"),
        html.P("", id="held"),
        html.P("idle", id="status"),
    ]
)


@app.long_callback(
    Output("context", "children"), Input("run", "n_clicks"), prevent_initial_call=True
)
def describe(_clicks: int) -> str:
    headers = {name.lower(): value for name, value in dash.ctx.headers.items()}
    return json.dumps(
        {
            "cookies": dash.ctx.cookies,
            "agent": headers["user-agent"],
            "path": dash.ctx.path,
        }
    )


@app.long_callback(
    Output("held", "children"),
    Input("hold", "n_clicks"),
    running=[(Output("status", "children"), "running", "idle")],
    cancel=Input("stop", "n_clicks"),
    prevent_initial_call=True,
)
def hold(_clicks: int) -> str:
    time.sleep(30)
    return "held"
