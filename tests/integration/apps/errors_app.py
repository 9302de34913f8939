"""An app that chooses what its pages get for an exception.

``HIDE`` in the environment hides all; otherwise a function gives the text.
"""

import os

import diskcache
from dash import Input, Output, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager


def error_message(error: BaseException) -> str:
    return f"Try another value ({type(error).__name__})."


app = dash.Dash(
    __name__,
    long_callback_manager=DiskcacheLongCallbackManager(diskcache.Cache("./cache")),
    long_callback_error_message="hide" if "HIDE" in os.environ else error_message,
)
app.layout = html.Div([html.P(id=name) for name in ("echo", "echo-in")])


@app.long_callback(Output("echo", "children"), Input("echo-in", "value"))
def echo(value: object) -> object:
    raise ValueError(f"no {value}")


if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
