"""A page with a job that asks, and a tray. ``SETTINGS`` are the manager's, as JSON."""

import json
import os
from pathlib import Path

import diskcache
from dash import Input, Output, html

import dash_long_components as dash
from dash_long_components import (
    CeleryLongCallbackManager,
    DiskcacheLongCallbackManager,
    LongCallbackManager,
    LongJob,
    LongJobTray,
    current_job,
)

settings = json.loads(os.environ["SETTINGS"])
manager: LongCallbackManager
if "celery" in settings:
    from celery import Celery

    celery_app = Celery(__name__)
    celery_app.conf.update(settings.pop("celery"))
    manager = CeleryLongCallbackManager(celery_app, **settings)
else:
    manager = DiskcacheLongCallbackManager(
        diskcache.Cache(Path(os.environ["FOLDER"]) / "cache")
    )

app = dash.Dash(__name__, long_callback_manager=manager)
app.layout = html.Div(
    [
        LongJobTray(id="tray"),
        html.Button("Run", id="run"),
        LongJob(id="job"),
        html.P("nothing", id="out"),
    ]
)


@app.long_callback(
    Output("out", "children"),
    Input("run", "n_clicks"),
    job="job",
    prevent_initial_call=True,
)
def ask(n_clicks: int) -> str:
    job = current_job()
    answer = job.ask("Overwrite 3 files?", choices=["yes", "no"], default="no")
    name = job.ask("What is the name of the copy?", default="backup")
    last = job.ask("Go on?", choices=["yes", "no"], default="no", timeout=2)
    return f"{answer}, {name}, {last}"


if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
