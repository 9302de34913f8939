"""# From an upload to a result

Upload a CSV file, or take the sample, and fit a line to its columns `x` and `y` again
and again: how much the line varies is its uncertainty. Quick work is an ordinary
callback, slow work is a job, and its loop is the bar. Cancel and Retry come with the
`LongJob`.
"""

import base64
import io

import dash
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from dash import Input, Output, State, dcc, html
from dash import callback as ordinary_callback
from tqdm import tqdm

from dash_long_components import LongJob, current_job, long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="A whole app",
    description="From an uploaded file to a figure, with progress, cancel and retry.",
    order=15,
)

demo = html.Div(
    [
        dcc.Upload(html.Button("Choose a CSV file"), id="upload-file", accept=".csv"),
        html.Button("Take the sample", id="upload-sample"),
        html.P("No file yet.", id="upload-name"),
        html.Button("Fit", id="upload-button", disabled=True),
        LongJob(id="upload-job"),
        html.P("Button not clicked", id="upload-paragraph"),
        dcc.Graph(id="upload-figure", figure=go.Figure(), style={"height": 260}),
    ]
)


@ordinary_callback(
    Output("upload-file", "contents"),
    Output("upload-file", "filename"),
    Input("upload-sample", "n_clicks"),
    prevent_initial_call=True,
)
def take_sample(n_clicks):
    x = np.linspace(0, 10, 60)
    y = 2 * x + 1 + np.random.default_rng(7).normal(0, 2, 60)
    text = pd.DataFrame({"x": x, "y": y}).to_csv(index=False)
    data = base64.b64encode(text.encode()).decode()
    return f"data:text/csv;base64,{data}", "sample.csv"


def read(contents):
    _kind, data = contents.split(",")
    return pd.read_csv(io.BytesIO(base64.b64decode(data)))


@ordinary_callback(
    Output("upload-name", "children"),
    Output("upload-button", "disabled"),
    Input("upload-file", "contents"),
    State("upload-file", "filename"),
    prevent_initial_call=True,
)
def show_name(contents, filename):
    return f"{filename}: {len(read(contents))} rows", False


@long_callback(
    Output("upload-paragraph", "children"),
    Output("upload-figure", "figure"),
    Input("upload-button", "n_clicks"),
    State("upload-file", "contents"),
    State("upload-file", "filename"),
    job="upload-job",
    title=lambda n_clicks, contents, filename: filename,
    timeout=600,
    prevent_initial_call=True,
)
def callback(n_clicks, contents, filename):
    table = read(contents)
    if not {"x", "y"} <= {*table.columns}:
        raise ValueError(f"{filename} has no columns named x and y.")
    x, y = table[["x", "y"]].dropna().to_numpy(dtype=float).T
    current_job().log(f"{len(x)} rows have numbers")
    random = np.random.default_rng()
    lines = []
    for _ in tqdm(range(10_000), desc="Resamples"):
        rows = random.integers(len(x), size=len(x))
        lines.append(np.polyfit(x[rows], y[rows], 1))
    slopes, intercepts = np.array(lines).T
    text = f"Slope {slopes.mean():.2f} ± {slopes.std():.2f}"
    fit = slopes.mean() * x + intercepts.mean()
    rows, line = go.Scatter(x=x, y=y, mode="markers"), go.Scatter(x=x, y=fit)
    return text, go.Figure(
        [rows, line], {"showlegend": False, "margin": dict.fromkeys("lrtb", 24)}
    )


layout = example(__file__, demo)
