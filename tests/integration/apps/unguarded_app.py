"""An app that runs its server whenever it is imported."""

import os

import diskcache
from dash import Input, Output, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

app = dash.Dash(
    __name__,
    long_callback_manager=DiskcacheLongCallbackManager(
        diskcache.Cache("./cache"), start_method=os.environ.get("START_METHOD")
    ),
)
app.layout = html.Div([html.P(id=name) for name in ("echo", "echo-in")])


@app.long_callback(Output("echo", "children"), Input("echo-in", "value"))
def echo(value: object) -> object:
    return value


app.run(port=os.environ["PORT"])
