"""An app whose import takes long, but not in the server that the user has started."""

import os
import time
from pathlib import Path

import diskcache
from dash import Input, Output, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager, LongJob

while __name__ != "__main__" and not Path("go-on").exists():
    time.sleep(0.05)

app = dash.Dash(
    __name__,
    long_callback_manager=DiskcacheLongCallbackManager(diskcache.Cache("./cache")),
)
app.layout = html.Div(
    [html.Button("Run", id="run"), html.P("nothing", id="out"), LongJob(id="job")]
)


@app.long_callback(
    Output("out", "children"),
    Input("run", "n_clicks"),
    job="job",
    prevent_initial_call=True,
)
def run(n_clicks: int) -> str:
    return f"run {n_clicks}"


if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
