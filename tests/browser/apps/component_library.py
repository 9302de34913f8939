"""A job that returns a component of a library that only the job imports."""

import diskcache
from dash import Input, Output, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

manager = DiskcacheLongCallbackManager(diskcache.Cache("./cache"))
app = dash.Dash(__name__, long_callback_manager=manager)
app.layout = html.Div([html.Button("Run", id="run"), html.Div(id="out")])
server = app.server


@app.long_callback(
    Output("out", "children"), Input("run", "n_clicks"), prevent_initial_call=True
)
def run(n_clicks: int) -> object:
    from late_library import Late  # type: ignore[import-not-found]

    return Late(text=f"late {n_clicks}")
