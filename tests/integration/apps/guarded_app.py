"""An app that only the main script makes; an import makes nothing."""

import os
import time
from pathlib import Path

import diskcache
from dash import Input, Output, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

if __name__ == "__main__":
    app = dash.Dash(
        __name__,
        long_callback_manager=DiskcacheLongCallbackManager(diskcache.Cache("./cache")),
    )
    app.layout = html.Div([html.P(id=name) for name in ("echo", "echo-in", "hold")])

    @app.long_callback(Output("echo", "children"), Input("echo-in", "value"))
    def echo(value: object) -> object:
        return value

    @app.long_callback(Output("hold", "children"), Input("hold-in", "value"))
    def hold(name: str) -> None:
        Path(name).write_text(str(os.getpid()))
        time.sleep(600)

    app.run(port=os.environ["PORT"])
