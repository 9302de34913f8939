"""Jobs of all kinds for the soak; each returns what it was given."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import diskcache
from dash import Input, Output, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

settings = json.loads(os.environ.get("SETTINGS", "{}"))
manager = DiskcacheLongCallbackManager(diskcache.Cache("./cache"), **settings)
app = dash.Dash(__name__, long_callback_manager=manager)
server = app.server
server.secret_key = "the same in all web processes"

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "brief": {"timeout": 1.0},
    "polite": {"cancel_grace": 1.0},
    "leaving": {"on_leave": "cancel", "leave_timeout": 4.0},
}
app.layout = html.Div(
    [html.Div([html.P(id=name), html.P(id=f"{name}-in")]) for name in KINDS]
)


def work(set_progress: Callable[[object], None], value: dict[str, Any]) -> str:
    """Report for some seconds, beside a child that would go on for ever."""
    if value["child"]:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(6000)"])
    end = time.monotonic() + value["seconds"]
    while (left := end - time.monotonic()) > 0:
        set_progress(left)
        time.sleep(min(left, 0.05))
    return str(value["name"])


for name, options in KINDS.items():
    app.long_callback(
        Output(name, "children"),
        Input(f"{name}-in", "value"),
        progress=Output(name, "title"),
        **options,
    )(work)
