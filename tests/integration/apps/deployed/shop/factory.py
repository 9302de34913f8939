"""Makes the app, with the pages of the folder beside it."""

import threading

import dash as plain_dash
from dash import Input, Output, html
from flask import Flask
from site_manager import make_manager

import dash_long_components as dash


def create_app(server: Flask | None = None) -> dash.Dash:
    server = server or Flask("shop")
    app = dash.Dash(
        __name__,
        server=server,
        use_pages=True,
        pages_folder="pages",
        long_callback_manager=make_manager(),
    )
    app.layout = html.Div([plain_dash.page_container, html.P(id="nested")])
    lock = threading.Lock()

    @app.long_callback(Output("nested", "children"), Input("nested-in", "value"))
    def nested(value: object) -> object:
        with lock:
            return value if app.server is server else None

    return app
