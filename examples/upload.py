"""From an uploaded CSV file to a fitted line, with its uncertainty.

Run `python upload.py` and choose a CSV file with a header and two columns of numbers.
It needs `pip install "dash-long-components[diskcache]" pandas tqdm`.
"""

import base64
import io

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from dash import Input, Output, State, dcc, html
from tqdm import tqdm

from dash_long_components import (
    Dash,
    DiskcacheLongCallbackManager,
    LongJob,
    current_job,
)

manager = DiskcacheLongCallbackManager()
app = Dash(__name__, long_callback_manager=manager)

app.layout = html.Main(
    [
        html.H1("Fit a line to a CSV file"),
        dcc.Upload(html.Button("Choose a CSV file"), id="file", accept=".csv"),
        html.P("No file yet.", id="file-text"),
        html.Label(["x ", dcc.Dropdown(id="x", clearable=False)]),
        html.Label(["y ", dcc.Dropdown(id="y", clearable=False)]),
        html.Label("Resamples ", htmlFor="resamples"),
        dcc.Input(id="resamples", type="number", value=5000, min=100),
        html.P(html.Button("Fit", id="fit", disabled=True)),
        LongJob("Choose a file, then press Fit.", id="job"),
        html.Div(id="table"),
        dcc.Graph(id="figure", figure=go.Figure()),
    ],
    style={"maxWidth": "50rem", "margin": "2rem auto", "fontFamily": "sans-serif"},
)


def read(contents):
    """Return the table of an uploaded file."""
    _kind, data = contents.split(",")
    return pd.read_csv(io.BytesIO(base64.b64decode(data)))


# Quick work is an ordinary callback: it reads the header, and fills the choices.
@app.callback(
    Output("file-text", "children"),
    Output("x", "options"),
    Output("y", "options"),
    Output("x", "value"),
    Output("y", "value"),
    Output("fit", "disabled"),
    Input("file", "contents"),
    State("file", "filename"),
    prevent_initial_call=True,
)
def show_columns(contents, filename):
    table = read(contents)
    columns = [*table.columns]
    text = f"{filename}: {len(table)} rows, {len(columns)} columns"
    return text, columns, columns, columns[0], columns[-1], False


# Slow work is a job. Its cancel and retry buttons come with the LongJob.
@app.long_callback(
    Output("table", "children"),
    Output("figure", "figure"),
    Input("fit", "n_clicks"),
    State("file", "contents"),
    State("x", "value"),
    State("y", "value"),
    State("resamples", "value"),
    job="job",
    timeout=600,
    prevent_initial_call=True,
)
def fit(n_clicks, contents, x_name, y_name, resamples):
    table = read(contents)[[x_name, y_name]]
    numbers = table.apply(pd.to_numeric, errors="coerce").dropna()
    if len(numbers) < 3:
        raise ValueError(f"{x_name} and {y_name} have fewer than 3 rows of numbers.")
    if len(numbers) < len(table):
        current_job().log(f"{len(table) - len(numbers)} rows have no number: left out")
    x, y = numbers.to_numpy(dtype=float).T

    # Fit again and again to rows drawn at random: how much the line varies is its
    # uncertainty. The bar of tqdm shows in the LongJob as it is.
    random = np.random.default_rng()
    lines = []
    for _ in tqdm(range(resamples), desc="Resamples"):
        rows = random.integers(len(x), size=len(x))
        lines.append(np.polyfit(x[rows], y[rows], 1))
    slopes, intercepts = np.array(lines).T
    return summary(slopes, intercepts), plot(x, y, slopes, intercepts)


def summary(slopes, intercepts):
    rows = [row("slope", slopes), row("intercept", intercepts)]
    return html.Table(html.Tbody(rows))


def row(name, values):
    cells = [f"{values.mean():.3f}", f"± {values.std():.3f}"]
    return html.Tr([html.Th(name), *map(html.Td, cells)])


def plot(x, y, slopes, intercepts):
    ends = np.linspace(x.min(), x.max(), 50)
    curves = np.outer(slopes, ends) + intercepts[:, None]
    low, middle, high = np.percentile(curves, [2.5, 50, 97.5], axis=0)
    return go.Figure(
        [
            go.Scatter(x=x, y=y, mode="markers", name="rows"),
            go.Scatter(x=ends, y=low, line={"width": 0}, showlegend=False),
            go.Scatter(x=ends, y=high, line={"width": 0}, fill="tonexty", name="95 %"),
            go.Scatter(x=ends, y=middle, name="fit"),
        ]
    )


if __name__ == "__main__":
    app.run(debug=True)
