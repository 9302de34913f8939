"""An app that bears the name in ``NAME``."""

import os

import diskcache
from dash import Input, Output, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

print(f"imported in {os.getpid()}", flush=True)
app = dash.Dash(
    os.environ["NAME"],
    long_callback_manager=DiskcacheLongCallbackManager(diskcache.Cache("./cache")),
)
app.layout = html.Div([html.P(id=name) for name in ("echo", "echo-in")])


@app.long_callback(Output("echo", "children"), Input("echo-in", "value"))
def echo(value: object) -> object:
    return value


if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
