"""Callbacks that a factory makes of the same source, each in a loading frame."""

import time
from pathlib import Path

import diskcache
from dash import Input, Output, dcc, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

manager = DiskcacheLongCallbackManager(diskcache.Cache("./cache"), max_concurrency=4)
app = dash.Dash(__name__, long_callback_manager=manager)
NAMES = ["north", "south", "west"]


def row(name: str) -> html.Div:
    text = html.P("idle", id=name)
    loading = dcc.Loading(text, custom_spinner=html.B(id=f"{name}-spins"))
    return html.Div(loading, id=f"{name}-row")


app.layout = html.Div([html.Button("Run", id="run"), *map(row, NAMES)])


def make(name: str) -> None:
    @app.long_callback(
        Output(name, "children"), Input("run", "n_clicks"), prevent_initial_call=True
    )
    def run(n_clicks: int) -> str:
        while not Path(f"{name}.go").exists():
            time.sleep(0.01)
        return f"{name} {n_clicks}"


for each in NAMES:
    make(each)

if __name__ == "__main__":
    import os

    app.run(port=int(os.environ["PORT"]))
