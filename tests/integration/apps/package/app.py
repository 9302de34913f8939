"""An app that is a module of a package."""

import os

import diskcache
from dash import Input, Output, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

from . import tasks

app = dash.Dash(
    __name__,
    long_callback_manager=DiskcacheLongCallbackManager(
        diskcache.Cache("./cache"), start_method=os.environ.get("START_METHOD")
    ),
)
app.layout = html.Div([html.P(id=name) for name in ("echo", "echo-in", "hold")])


@app.long_callback(Output("echo", "children"), Input("echo-in", "value"))
def echo(value: object) -> object:
    return tasks.echo(value)


@app.long_callback(Output("hold", "children"), Input("hold-in", "value"))
def hold(name: str) -> str:
    return tasks.hold(name)


if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
