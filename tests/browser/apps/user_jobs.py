"""Pages with a tray of the user's jobs. A cookie names the user.

``SETTINGS`` are the manager's, as JSON, those of Celery among them. A job runs until
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
    LongJob,
    LongJobTray,
    long_callback,
)

manager: LongCallbackManager = make_manager(__name__)
#: For the command line of Celery.
celery_app = manager.handle


def user() -> str | None:
    return flask.request.cookies.get("user")


app = dash.Dash(
    __name__,
    long_callback_manager=manager,
    long_callback_user=user,
    use_pages=True,
    pages_folder="",
)


def report(year: str = "") -> html.Div:
    """Make the page of a year. Like most layouts, it takes no other parameters."""
    return html.Div(
        [
            html.H1(f"Report {year}"),
            html.Button("Run", id="run"),
            LongJob(id="job"),
            html.P("nothing", id="out"),
        ]
    )


register_page("home", path="/", layout=html.P("Home", id="home"))
register_page("report", path="/report", layout=report)
app.layout = html.Div([LongJobTray(id="tray", scope="user"), page_container])


@long_callback(
    Output("out", "children"),
    Input("run", "n_clicks"),
    job="job",
    prevent_initial_call=True,
)
def build(set_progress, n_clicks: int) -> str:  # type: ignore[no-untyped-def]
    set_progress((1, 4, "half"))
    while not (FOLDER / "go-on").exists():
        time.sleep(0.02)
    return f"report {n_clicks}"


def share() -> str:
    """Return a link to the user's newest job for everyone."""
    return manager.jobs(user=user())[0].link(share=True)


server = app.server
server.add_url_rule("/share", view_func=share)

if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
