"""The page with the button that cancels the jobs of the first one."""

import dash
from dash import html

dash.register_page(__name__, path="/other")

layout = html.Div([html.H1("Other"), html.Button("Cancel", id="cancel")])
