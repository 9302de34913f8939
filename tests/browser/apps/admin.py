"""A page for operators, at ``/admin``. A cookie names the user; ``root`` is one.

``SETTINGS`` are the manager's, as JSON, those of Celery among them. ``/start/build``
and ``/start/fail`` start a job and answer with its id. A job of ``build`` runs until
``go-on`` is in ``FOLDER``.
"""

import os
import time

import flask
from any_manager import FOLDER, make_manager  # type: ignore[import-not-found]
from dash import Input, Output, html, page_container, register_page

import dash_long_components as dash
from dash_long_components import (
    LongCallbackManager,
    LongJobAdmin,
    current_job,
    long_callback,
)

manager: LongCallbackManager = make_manager(__name__, keep_calls=True)
#: For the command line of Celery.
celery_app = manager.handle

app = dash.Dash(
    __name__,
    long_callback_manager=manager,
    long_callback_user=lambda: flask.request.cookies.get("user"),
    long_callback_admin=lambda: flask.request.cookies.get("user") == "root",
    use_pages=True,
    pages_folder="",
)

register_page("home", path="/", layout=html.Div([html.P(id="run"), html.P(id="out")]))
register_page("operators", path="/admin", layout=lambda: LongJobAdmin(id="admin"))
app.layout = page_container


@long_callback(Output("out", "title"), Input("run", "title"), prevent_initial_call=True)
def build(title: str) -> str:
    current_job().title = title
    while not (FOLDER / "go-on").exists():
        time.sleep(0.02)
    return "built"


@long_callback(Output("out", "lang"), Input("run", "lang"), prevent_initial_call=True)
def fail(reason: str) -> str:
    raise ValueError(reason)


server = app.server


def start(task: str, argument: str) -> str:
    function = {"build": build, "fail": fail}[task]
    return manager.start(function, argument, user=flask.request.args["user"]).id


server.add_url_rule("/start/<task>/<argument>", view_func=start)

if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
