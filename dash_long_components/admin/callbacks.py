"""The callbacks of the operators' page. They run in the browser."""

from __future__ import annotations

from pathlib import Path

import dash
from dash import MATCH, ClientsideFunction, Input, Output, State

from ..web.setup import serve_admin_with
from .long_job_admin import import_grid, part

_SCRIPT = Path(__file__).with_name("admin.js")
_NAMESPACE = "long_job_admin"


def _p(name: str) -> dict[str, object]:
    return part(name, MATCH)


#: What a look asks for, beside the rows.
_ASKED = [
    State(_p("manager"), "value"),
    State(_p("statuses"), "value"),
    State(_p("task"), "value"),
    State(_p("user"), "value"),
    State(_p("words"), "data"),
    State(_p("jobs"), "id"),
]


def serve(app: dash.Dash) -> None:
    """Add the callbacks of ``LongJobAdmin`` to an app that names its operators."""
    import_grid()
    # The script defines the other functions too.
    app.clientside_callback(
        _SCRIPT.read_text(encoding="utf-8"),
        Output(_p("done"), "data"),
        Input(_p("tick"), "n_intervals"),
        Input(_p("manager"), "value"),
        Input(_p("statuses"), "value"),
        Input(_p("task"), "value"),
        Input(_p("user"), "value"),
        State(_p("jobs"), "dashGridOptions"),
        State(_p("jobs"), "id"),
    )
    app.clientside_callback(
        ClientsideFunction(_NAMESPACE, "look"),
        Output(_p("jobs"), "getRowsResponse"),
        Output(_p("tasks"), "rowData"),
        Output(_p("processes"), "rowData"),
        Output(_p("queues"), "children"),
        Output(_p("manager"), "options"),
        Output(_p("statuses"), "options"),
        Output(_p("task"), "options"),
        Output(_p("facts"), "children"),
        Output(_p("notice"), "children"),
        Output(_p("undrain"), "disabled"),
        Output(_p("tick"), "disabled"),
        Input(_p("jobs"), "getRowsRequest"),
        *_ASKED,
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction(_NAMESPACE, "act"),
        Output(_p("outcome"), "children"),
        Input(_p("cancel"), "n_clicks"),
        Input(_p("retry"), "n_clicks"),
        Input(_p("pause"), "n_clicks"),
        Input(_p("resume"), "n_clicks"),
        Input(_p("drain"), "n_clicks"),
        Input(_p("undrain"), "n_clicks"),
        State(_p("jobs"), "selectedRows"),
        State(_p("tasks"), "selectedRows"),
        *_ASKED,
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction(_NAMESPACE, "enable"),
        Output(_p("cancel"), "disabled"),
        Output(_p("retry"), "disabled"),
        Output(_p("pause"), "disabled"),
        Output(_p("resume"), "disabled"),
        Input(_p("jobs"), "selectedRows"),
        Input(_p("tasks"), "selectedRows"),
        Input(_p("jobs"), "getRowsResponse"),
        State(_p("jobs"), "id"),
    )


serve_admin_with(serve)
