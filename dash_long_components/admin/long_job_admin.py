"""The component of operators: tables of jobs, tasks and processes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from ..core.status import Status
from .words import words_of

#: Jobs on one page of the table. Few are in sight, and each look reads them all.
PAGE_SIZE = 50

#: Milliseconds between two looks.
_INTERVAL = 2000

_EXTRA = (
    "LongJobAdmin needs a package that is missing: "
    'pip install "dash-long-components[admin]"'
)

#: A column of counts. Its header may be longer than it is wide.
_WRAPPED: dict[str, Any] = {
    "minWidth": 90,
    "wrapHeaderText": True,
    "autoHeaderHeight": True,
}

#: The columns that the server sorts by.
_SORTED = ("status", "task", "age")


def import_grid() -> Any:
    """Return the package of the tables.

    Dash serves the scripts of a component library only if it was imported before the
    first page.

    Raises:
        ImportError: the extra ``admin`` is not installed.
    """
    try:
        import dash_ag_grid
    except ImportError as error:
        raise ImportError(_EXTRA) from error
    return dash_ag_grid


def part(name: str, id: Any) -> dict[str, Any]:
    """Return the id of a part of a ``LongJobAdmin``.

    Args:
        name: of the part.
        id: of the ``LongJobAdmin``, or a wildcard.
    """
    return {"long-job-admin": id, "part": name}


class LongJobAdmin(html.Div):
    """All jobs of all users, the processes that run them, and what holds them back.

    For operators alone: pass ``admin=`` to ``init_app``, or ``long_callback_admin=`` to
    ``Dash``. Everyone else sees empty tables.

    Args:
        id: of the component. Another one for each in the app.
        labels: the language of the texts, or a dict of texts by key, with ``locale``.
            The keys are not those of ``LongJob``.
        kwargs: further properties of the ``html.Div``, such as ``style``.

    Raises:
        ImportError: the extra ``admin`` is not installed.
        ValueError: ``labels`` names a language or a text that there is not.
    """

    def __init__(
        self,
        id: str = "long-job-admin",
        labels: str | Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        words = words_of(labels)
        class_name = kwargs.pop("className", "")
        super().__init__(
            id=id,
            className=f"long-job-admin {class_name}".strip(),
            children=[
                dcc.Interval(id=part("tick", id), interval=_INTERVAL),
                dcc.Store(id=part("words", id), data=words),
                *(
                    # Each callback in the browser needs an Output of its own.
                    dcc.Store(id=part(name, id))
                    for name in ("ticked", "looked", "acted-jobs", "acted-tasks")
                ),
                # Two more grids take half of the time until the first rows of jobs, so
                # the script adds them after these.
                dcc.Store(
                    id=part("grids", id),
                    data={
                        "tasks": _tasks_grid(id, words),
                        "processes": _processes_grid(id, words),
                    },
                ),
                _head(id, words),
                _section("jobs", words, _jobs(id, words)),
                html.Div(
                    [
                        _section("tasks", words, _tasks(id, words)),
                        _section("processes", words, _processes(id, words)),
                    ],
                    className="long-job-admin-pair",
                ),
            ],
            **kwargs,
        )


def _section(name: str, words: Mapping[str, str], content: list[Component]) -> Any:
    aria: dict[str, Any] = {"aria-label": words[name]}
    heading = html.H3(words[name])
    return html.Section([heading, *content], className=f"long-job-admin-{name}", **aria)


def _button(name: str, id: str, words: Mapping[str, str], disabled: bool) -> Any:
    return html.Button(
        words[name],
        id=part(name, id),
        className=f"long-job-admin-{name}",
        type="button",
        disabled=disabled,
    )


def _head(id: str, words: Mapping[str, str]) -> Component:
    return html.Div(
        [
            dcc.RadioItems(
                id=part("manager", id),
                className="long-job-admin-manager",
                inline=True,
            ),
            html.Span(
                id=part("facts", id), className="long-job-admin-facts", role="status"
            ),
            html.Span(
                id=part("notice", id), className="long-job-admin-notice", role="alert"
            ),
            html.Span(
                id=part("outcome", id),
                className="long-job-admin-outcome",
                role="status",
            ),
            _button("drain", id, words, disabled=False),
            _button("undrain", id, words, disabled=True),
        ],
        className="long-job-admin-line",
    )


def _jobs(id: str, words: Mapping[str, str]) -> list[Component]:
    return [_filters(id, words), _jobs_grid(id, words)]


def _filters(id: str, words: Mapping[str, str]) -> Component:
    return html.Div(
        [
            dcc.Checklist(
                id=part("statuses", id),
                className="long-job-admin-statuses",
                options=[
                    {"label": words[status.value], "value": status.value}
                    for status in Status
                ],
                value=[],
                inline=True,
            ),
            dcc.Dropdown(
                id=part("task", id),
                className="long-job-admin-task",
                placeholder=words["every_task"],
            ),
            dcc.Input(
                id=part("user", id),
                className="long-job-admin-user",
                placeholder=words["user"],
                debounce=True,
            ),
            _button("cancel", id, words, disabled=True),
            _button("retry", id, words, disabled=True),
        ],
        className="long-job-admin-line",
    )


def _jobs_grid(id: str, words: Mapping[str, str]) -> Component:
    columns = [
        _column("status", words, field="shown_status", minWidth=220),
        _column("task", words, field="name", minWidth=180, flex=2),
        _column("user", words, field="shown_user", minWidth=100),
        _column("age", words, field="shown_age", minWidth=90),
        _column("ran", words, field="shown_ran", minWidth=90),
        _column("error", words, minWidth=200, flex=3),
    ]
    return _grid(
        part("jobs", id),
        columns,
        words,
        nothing=words["none"],
        rowModelType="infinite",
        className="long-job-admin-grid long-job-admin-large",
        getRowId="params.data.id",
        rowClassRules={
            f"long-job-admin-{status.value}": (
                f"params.data && params.data.status === '{status.value}'"
            )
            for status in Status
        },
        dashGridOptions={
            # One block is one page: every look is one request.
            "cacheBlockSize": PAGE_SIZE,
            "maxBlocksInCache": 1,
            "pagination": True,
            "paginationPageSize": PAGE_SIZE,
            "paginationPageSizeSelector": False,
            # Rows beyond those in sight; a new page draws them too.
            "rowBuffer": 4,
            "rowSelection": {"mode": "multiRow", "headerCheckbox": False},
            "selectionColumnDef": _selection(words),
            "tooltipShowDelay": 500,
        },
    )


def _tasks(id: str, words: Mapping[str, str]) -> list[Component]:
    buttons = [_button(name, id, words, disabled=True) for name in ("pause", "resume")]
    return [
        html.Div(buttons, className="long-job-admin-line"),
        html.Div(id=part("tasks-table", id)),
    ]


def _tasks_grid(id: str, words: Mapping[str, str]) -> Component:
    shown = ("queued", "running", "succeeded", "failed", "timed_out", "lost")
    columns = [
        _column("task", words, minWidth=180, flex=2, sort="asc"),
        _column("usual", words, "params.data.shown_usual", minWidth=130),
        *(_column(status, words, **_WRAPPED) for status in shown),
    ]
    return _grid(
        part("tasks", id),
        columns,
        words,
        nothing=words["no_tasks"],
        getRowId="params.data.task",
        className="long-job-admin-grid",
        rowClassRules={"long-job-admin-held": "params.data.is_paused"},
        dashGridOptions={
            "rowSelection": {"mode": "multiRow"},
            "selectionColumnDef": _selection(words),
        },
    )


def _processes(id: str, words: Mapping[str, str]) -> list[Component]:
    queues = html.P(
        [html.B(words["queues"]), " ", html.Span(id=part("queues", id))],
        className="long-job-admin-queues",
    )
    return [queues, html.Div(id=part("processes-table", id))]


def _processes_grid(id: str, words: Mapping[str, str]) -> Component:
    columns = [
        _column("role", words, field="shown_role", minWidth=110),
        _column("process", words, field="name", minWidth=110),
        _column("state", words, field="shown_state", minWidth=90),
        _column("task", words, minWidth=160, flex=2),
        _column("ran", words, "params.data.shown_ran", minWidth=90),
    ]
    return _grid(
        part("processes", id),
        columns,
        words,
        nothing=words["no_processes"],
        getRowId="params.data.key",
        className="long-job-admin-grid",
    )


def _column(
    name: str, words: Mapping[str, str], shown: str = "", **options: Any
) -> dict[str, Any]:
    """Return the definition of a column.

    Args:
        name: of its text, and of what it has.
        words: the texts.
        shown: JavaScript for the text of a cell; by default the value.
        options: further ones of the column.
    """
    more = {"valueFormatter": {"function": shown}} if shown else {}
    return {
        "colId": name,
        "field": name,
        "headerName": words[name],
        "tooltipField": options.get("field", name),
        **more,
        **options,
    }


def _selection(words: Mapping[str, str]) -> dict[str, str]:
    """Return the column of check boxes, whose header only screen readers say."""
    return {"headerName": words["select"], "headerClass": "long-job-admin-unseen"}


def _grid(
    id: dict[str, Any],
    columns: list[dict[str, Any]],
    words: Mapping[str, str],
    *,
    nothing: str,
    dashGridOptions: Mapping[str, Any] | None = None,
    rowModelType: str = "clientSide",
    **options: Any,
) -> Component:
    is_infinite = rowModelType == "infinite"
    if is_infinite:
        columns = [{**each, "sortable": each["colId"] in _SORTED} for each in columns]
    grid: Component = import_grid().AgGrid(
        id=id,
        columnDefs=columns,
        defaultColDef={"flex": 1, "resizable": True, "suppressMovable": True},
        rowModelType=rowModelType,
        dashGridOptions={
            "domLayout": "normal" if is_infinite else "autoHeight",
            "localeText": {**_grid_words(words), "noRowsToShow": nothing},
            "enableCellTextSelection": True,
            "ensureDomOrder": True,
            "animateRows": False,
            "multiSortKey": "ctrl",
            **(dashGridOptions or {}),
        },
        **options,
    )
    return grid


def _grid_words(words: Mapping[str, str]) -> dict[str, str]:
    return {
        "page": words["page"],
        "to": words["to"],
        "of": words["of"],
        "loadingOoo": words["loading"],
        "firstPage": words["first"],
        "previousPage": words["previous"],
        "nextPage": words["next"],
        "lastPage": words["last"],
    }
