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
    _serve_ticks(app)
    _serve_looks(app)
    _serve_buttons(app, "jobs", "cancel", "retry", "drain", "undrain")
    _serve_buttons(app, "tasks", "pause", "resume")
    _serve_states(app, "enableForJobs", "jobs", "getRowsResponse", "cancel", "retry")
    _serve_states(app, "enableForTasks", "tasks", "rowData", "pause", "resume")


def _serve_ticks(app: dash.Dash) -> None:
    """Add what has the grid of jobs ask again, and the script of all callbacks."""
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


def _serve_looks(app: dash.Dash) -> None:
    """Add what asks the server for all that the page shows."""
    app.clientside_callback(
        ClientsideFunction(_NAMESPACE, "look"),
        Output(_p("looked"), "data"),
        Input(_p("jobs"), "getRowsRequest"),
        State(_p("tasks-table"), "children"),
        State(_p("grids"), "data"),
        *_ASKED,
        prevent_initial_call=True,
    )


def _serve_states(
    app: dash.Dash, function: str, table: str, rows: str, *names: str
) -> None:
    """Add what enables buttons for the selected rows of a table.

    Args:
        app: which one.
        function: of the script.
        table: which one.
        rows: the property that its new rows set.
        names: of the buttons.
    """
    app.clientside_callback(
        ClientsideFunction(_NAMESPACE, function),
        *(Output(_p(name), "disabled") for name in names),
        Input(_p(table), "selectedRows"),
        Input(_p(table), rows),
        State(_p("jobs"), "id"),
        # Nothing is selected yet.
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
