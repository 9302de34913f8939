"""An app whose long callbacks are tools of agents. A cookie names the user."""

import os
import time
from pathlib import Path
from typing import Any

import diskcache
from dash import Input, Output, State, ctx, dcc, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager
from dash_long_components.web import agents

# The tests need not wait for as long as an agent does.
agents.WAIT = agents.WAIT_WITH_THREAD = 1.0


async def user() -> str | None:
    name: str | None = app.backend.request_adapter().cookies.get("user")
    return name


app = dash.Dash(
    __name__,
    enable_mcp=True,
    # Dash 4.4 serves no other path to agents on FastAPI.
    mcp_path="_dash-mcp",
    long_callback_manager=DiskcacheLongCallbackManager(diskcache.Cache("./cache")),
    long_callback_user=user,
    backend=os.environ.get("BACKEND", "flask"),
)
server = app.server
app.layout = html.Div(
    [
        html.Button("Run", id="run"),
        html.Label("Rows", htmlFor="rows"),
        dcc.Input(id="rows", value=3),
        *(html.P(id=id_) for id_ in ("total", "held")),
    ]
)


@app.long_callback(
    Output("total", "children"), Input("run", "n_clicks"), State("rows", "value")
)
def add_up(clicks: int, rows: int) -> dict[str, Any]:
    """Add up the first rows."""
    Path("started.log").touch()
    return {"rows": rows, "clicks": clicks, "by": ctx.triggered_id}


@app.long_callback(Output("held", "children"), Input("name", "value"))
def hold(set_progress: Any, name: str) -> str:
    """Wait until a file is there."""
    set_progress(1, 2, name)
    while not Path(name).exists():
        time.sleep(0.02)
    return f"held {name}"


if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
