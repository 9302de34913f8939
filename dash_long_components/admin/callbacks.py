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
        Output(_p("ticked"), "data"),
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
        Output(_p("looked"), "data"),
        Input(_p("jobs"), "getRowsRequest"),
        State(_p("tasks-table"), "children"),
        State(_p("grids"), "data"),
        *_ASKED,
        prevent_initial_call=True,
    )
    _serve_buttons(app, "jobs", "cancel", "retry", "drain", "undrain")
    _serve_buttons(app, "tasks", "pause", "resume")
    app.clientside_callback(
        ClientsideFunction(_NAMESPACE, "enableForJobs"),
        Output(_p("cancel"), "disabled"),
        Output(_p("retry"), "disabled"),
        Input(_p("jobs"), "selectedRows"),
        Input(_p("jobs"), "getRowsResponse"),
        State(_p("jobs"), "id"),
        # Nothing is selected yet.
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction(_NAMESPACE, "enableForTasks"),
        Output(_p("pause"), "disabled"),
        Output(_p("resume"), "disabled"),
        Input(_p("tasks"), "selectedRows"),
        Input(_p("tasks"), "rowData"),
        State(_p("jobs"), "id"),
        # The table is not in the page yet.
        prevent_initial_call=True,
    )


def _serve_buttons(app: dash.Dash, table: str, *names: str) -> None:
    """Add a callback for the buttons that change what a table has, or all."""
    app.clientside_callback(
        ClientsideFunction(_NAMESPACE, "act"),
        Output(_p(f"acted-{table}"), "data"),
        *(Input(_p(name), "n_clicks") for name in names),
        State(_p(table), "selectedRows"),
        *_ASKED,
        prevent_initial_call=True,
    )


serve_admin_with(serve)
