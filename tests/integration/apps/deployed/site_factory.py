"""A function that makes the app; the nested callback uses what can't be sent."""

import os
import threading
import time
from pathlib import Path
from typing import Any

from dash import Input, Output, html
from site_manager import make_manager

import dash_long_components as dash
from dash_long_components import long_callback


def wait_for_permission(folder: Path) -> None:
    """Let the server go on, and the dispatcher when the test says so."""
    if (folder / "imported").exists():
        while not (folder / "go").exists():
            time.sleep(0.01)
    (folder / "imported").touch()


if "HOLD" in os.environ:
    wait_for_permission(Path(os.environ["HOLD"]))


@long_callback(Output("top", "children"), Input("top-in", "value"))
def top(value: object) -> object:
    return value


#: Releases of Dash before 4.2 don't know the argument.
backend: Any = {"backend": os.environ["BACKEND"]} if "BACKEND" in os.environ else {}


def create_app(title: str = "Shop") -> dash.Dash:
    app = dash.Dash(
        __name__,
        **backend,
        title=title,
        long_callback_manager=make_manager(),
        long_callback_entry=os.environ.get("ENTRY"),
    )
    app.layout = html.Div([html.P(id=name) for name in ("top", "nested", "title")])
    lock = threading.Lock()

    @app.long_callback(Output("nested", "children"), Input("nested-in", "value"))
    def nested(value: object) -> object:
        with lock:
            return value if app.title == title else None

    @app.long_callback(Output("title", "children"), Input("title-in", "value"))
    def get_title(_value: object) -> str:
        with lock:
            return title

    return app


def create_server(title: str = "Shop") -> Any:
    return create_app(title).server


if os.environ.get("MAKE_APP"):
    app = create_app()
    server = app.server

if __name__ == "__main__":
    create_app().run(port=os.environ["PORT"])
