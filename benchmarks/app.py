"""The page of both contenders: a button, a State, an output, progress, cancel.

The State ``what`` tells the job what to do, so that one page serves every row.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import dash
import diskcache
import flask
from celery import Celery
from dash import ALL, Input, Output, State, dcc, html

import dash_long_components

SETTINGS = json.loads(os.environ["BENCHMARK"])

IS_OURS = SETTINGS["contender"] == "ours"

REDIS = SETTINGS.get("redis")

#: Seconds of work that the import does.
time.sleep(SETTINGS.get("import_seconds", 0))

celery_app = Celery(__name__, broker=REDIS, backend=REDIS)
celery_app.conf.update(
    worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True
)


#: The State is one component, or all components that match a pattern.
STATE: Any = {"type": "state", "index": 0} if SETTINGS.get("pattern") else "state"


def make_manager() -> Any:
    cache_by = [lambda: "the same"] if SETTINGS.get("cached") else None
    caching: dict[str, Any] = {"cache_by": cache_by} if cache_by else {}
    if REDIS:
        if IS_OURS:
            return dash_long_components.CeleryLongCallbackManager(celery_app, **caching)
        return dash.CeleryManager(celery_app, **caching)
    cache = diskcache.Cache(SETTINGS["directory"])
    if IS_OURS:
        return dash_long_components.DiskcacheLongCallbackManager(
            cache, **caching, **SETTINGS.get("manager", {})
        )
    return dash.DiskcacheManager(cache, **caching)


def work(
    set_progress: Callable[[Any], None] | None, what: dict[str, Any]
) -> dict[str, Any]:
    """Do what the State says, and return how it went."""
    began = time.time()
    if "seconds" in what:
        time.sleep(what["seconds"])
    report: dict[str, Any] = {"began": began, "ended": time.time()}
    if "mark" in what:
        # The benchmark reads the file of a job that no page follows.
        with open(os.path.join(what["mark"], what["name"]), "w") as file:
            file.write(f"{began} {time.time()} {os.getpid()}")
    if "calls" in what:
        calls, turn = what["calls"], what.get("turn", 0)
        # In turns, so that a disturbance hits both.
        plain, reporting = zip(
            *(
                (time_calls(None, calls, turn), time_calls(set_progress, calls, turn))
                for calls in [calls // 10] * 10
            ),
            strict=True,
        )
        report |= {"plain": median(plain), "call": median(reporting)}
    if "bytes" in what:
        report["text"] = "x" * what["bytes"]
    return report


def time_calls(
    set_progress: Callable[[Any], None] | None, calls: int, turn: float
) -> float:
    """Return seconds per turn of a loop that works for ``turn`` seconds and reports."""
    clock = time.perf_counter
    start = clock()
    for number in range(calls):
        until = clock() + turn
        while clock() < until:
            pass
        if set_progress is not None:
            set_progress((str(number + 1), str(calls)))
    return (clock() - start) / calls


def page() -> html.Div:
    return html.Div(
        [
            html.Button("Run", id="run"),
            html.Button("Ordinary", id="run-ordinary"),
            html.Button("Cancel", id="cancel"),
            dcc.Store(id="what", data={}),
            dcc.Store(id=STATE, data="x" * SETTINGS.get("state", 0)),
            html.P(id="out"),
            html.P(id="out-ordinary"),
            html.Progress(id="bar"),
            *(
                [dash_long_components.LongJob(id="view")]
                if SETTINGS.get("view")
                else []
            ),
        ]
    )


def add_callbacks(app: dash.Dash) -> None:
    progress = [Output("bar", "value"), Output("bar", "max")]
    options: dict[str, Any] = {
        "running": [(Output("cancel", "disabled"), False, True)],
        "progress": progress,
        "cancel": [Input("cancel", "n_clicks")],
        "prevent_initial_call": True,
    }
    if SETTINGS.get("interval"):
        options["interval"] = SETTINGS["interval"]
    dependencies = (
        Output("out", "children"),
        Input("run", "n_clicks"),
        State("what", "data"),
        State({**STATE, "index": ALL} if isinstance(STATE, dict) else STATE, "data"),
    )

    def run(
        set_progress: Callable[[Any], None], clicks: int, what: Any, _state: Any
    ) -> str:
        return json.dumps({"clicks": clicks, **work(set_progress, what)})

    if IS_OURS:
        job = "view" if SETTINGS.get("view") else None
        dash_long_components.long_callback(*dependencies, job=job, **options)(run)
    else:
        dash.callback(*dependencies, background=True, **options)(run)

    @app.callback(
        Output("out-ordinary", "children"),
        Input("run-ordinary", "n_clicks"),
        State("what", "data"),
        prevent_initial_call=True,
    )
    def run_ordinary(clicks: int, what: Any) -> str:
        return json.dumps({"clicks": clicks, **work(None, what)})


manager = make_manager()
backend: dict[str, Any] = SETTINGS.get("backend", {})
if IS_OURS:
    app: dash.Dash = dash_long_components.Dash(
        __name__, long_callback_manager=manager, **backend
    )
else:
    app = dash.Dash(__name__, background_callback_manager=manager, **backend)
app.layout = page
add_callbacks(app)
server = app.server

#: Memory that the server holds, in small pieces, as real data is.
ballast: list[bytes] = []


def grow(megabytes: int) -> str:
    ballast.extend(b"%8d" % n + b"x" * 99_992 for n in range(megabytes * 10))
    return str(len(ballast))


if isinstance(server, flask.Flask):
    server.add_url_rule("/grow/<int:megabytes>", view_func=grow)
    if not IS_OURS:
        # Dash sets an app up at its first request, and meanwhile answers others with
        # errors.
        server.test_client().get("/")

#: A lower bound of the cost of a poll: a Flask app that answers constant JSON.
bare = flask.Flask("bare")


def constant() -> flask.Response:
    flask.request.get_data()
    return flask.Response(b'{"next":1000}', mimetype="application/json")


bare.add_url_rule("/", view_func=constant, methods=["GET", "POST"])
