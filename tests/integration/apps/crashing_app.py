"""An app that ends every process that imports it."""

import os

import diskcache
from dash import Input, Output, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

if __name__ != "__main__":
    os._exit(5)

app = dash.Dash(
    __name__,
    long_callback_manager=DiskcacheLongCallbackManager(diskcache.Cache("./cache")),
)
app.layout = html.Div([html.P(id="echo"), html.P(id="echo-in")])


@app.long_callback(Output("echo", "children"), Input("echo-in", "value"))
def echo(value: object) -> object:
    return value


app.run(port=os.environ["PORT"])
