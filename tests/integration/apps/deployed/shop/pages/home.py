"""The page at the root."""

import dash
from dash import Input, Output, html

from dash_long_components import long_callback

dash.register_page(__name__, path="/")
layout = html.P(id="top")


@long_callback(Output("top", "children"), Input("top-in", "value"))
def top(value: object) -> object:
    return value
