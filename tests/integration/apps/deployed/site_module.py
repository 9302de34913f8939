"""A module that makes its app: one callback at the top level, one in a function."""

import os
import secrets
import threading

from dash import Input, Output, html
from site_manager import make_manager

import dash_long_components as dash

app = dash.Dash(__name__, long_callback_manager=make_manager())
server = app.server
server.secret_key = secrets.token_hex()  # another one in every process
app.layout = html.Div([html.P(id=name) for name in ("top", "nested")])


@app.long_callback(Output("top", "children"), Input("top-in", "value"))
def top(value: object) -> object:
    return value


def add_nested() -> None:
    lock = threading.Lock()

    @app.long_callback(Output("nested", "children"), Input("nested-in", "value"))
    def nested(value: object) -> object:
        with lock:
            return value


add_nested()

if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
