"""A planner of solar plants: a chain of Stores, checked by a job that can be cancelled.

Moved from ``background=True``. Before, the callbacks were added under
``if __name__ == "__main__":``. Now an import adds them.
"""

import os
import time
from typing import Any
from uuid import uuid4

import diskcache
from dash import Input, Output, State, dcc, html, no_update

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager


def get_manager() -> DiskcacheLongCallbackManager:
    return DiskcacheLongCallbackManager(diskcache.Cache("./cache"))


def get_layout() -> html.Div:
    return html.Div(
        [
            dcc.Store(id="plan"),
            dcc.Store(id="request"),
            dcc.Store(id="raw"),
            dcc.Input(id="modules", type="number", value=12),
            html.Button("Plan", id="make"),
            html.Button("Check", id="check"),
            html.Button("Stop", id="stop", disabled=True),
            html.P("", id="progress"),
            html.P("", id="report"),
        ]
    )


def get_callbacks(app: dash.Dash) -> None:
    @app.callback(
        Output("plan", "data"),
        Output("report", "children", allow_duplicate=True),
        Input("make", "n_clicks"),
        State("modules", "value"),
        prevent_initial_call=True,
    )
    def plan(_clicks: int, modules: int) -> tuple[dict[str, Any], str]:
        return {"modules": modules, "id": uuid4().hex}, "Not checked"

    @app.callback(
        Output("request", "data"),
        Input("check", "n_clicks"),
        State("plan", "data"),
        prevent_initial_call=True,
    )
    def ask(_clicks: int, plan: dict[str, Any] | None) -> Any:
        return {"plan": plan, "id": uuid4().hex} if plan else no_update

    @app.long_callback(
        Output("raw", "data"),
        Input("request", "data"),
        running=[
            (Output("check", "disabled"), True, False),
            (Output("stop", "disabled"), False, True),
            (Output("progress", "children"), "Checking the plan…", ""),
        ],
        cancel=[Input("stop", "n_clicks"), Input("plan", "data")],
        prevent_initial_call=True,
    )
    def check(request: dict[str, Any] | None) -> Any:
        if not request:
            return None
        modules = request["plan"]["modules"]
        time.sleep(0.1 * modules)
        return {"id": request["id"], "power": 0.4 * modules}

    @app.callback(
        Output("report", "children"),
        Input("raw", "data"),
        State("request", "data"),
        prevent_initial_call=True,
    )
    def report(raw: dict[str, Any] | None, request: dict[str, Any] | None) -> Any:
        if not raw or not request or raw["id"] != request["id"]:
            return no_update
        return f"Peak power: {raw['power']:.1f} kW"


app = dash.Dash(__name__, long_callback_manager=get_manager())
app.layout = get_layout()
get_callbacks(app)

if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
