"""# Progress graph

Progress can be any property: here it is the figure of a Plotly bar chart. When no job
runs, the property has its `progress_default`.
"""

import time

import dash
import plotly.graph_objects as go
from dash import Input, Output, dcc, html

from dash_long_components import long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Progress graph",
    description="A Plotly bar chart follows the job and returns to its default.",
    order=10,
)


def make_progress_graph(progress, total):
    progress_graph = (
        go.Figure(data=[go.Bar(x=[progress])])
        .update_xaxes(range=[0, total])
        .update_yaxes(
            showticklabels=False,
        )
        .update_layout(height=100, margin=dict(t=20, b=40))
    )
    return progress_graph


demo = html.Div(
    [
        html.Div(
            [
                html.P(id="graph-paragraph", children=["Button not clicked"]),
                dcc.Graph(id="graph-bar", figure=make_progress_graph(0, 10)),
            ]
        ),
        html.Button(id="graph-button", children="Run Job!"),
        html.Button(id="graph-cancel", children="Cancel Running Job!"),
    ]
)


@long_callback(
    output=Output("graph-paragraph", "children"),
    inputs=Input("graph-button", "n_clicks"),
    running=[
        (Output("graph-button", "disabled"), True, False),
        (Output("graph-cancel", "disabled"), False, True),
        (
            Output("graph-paragraph", "style"),
            {"visibility": "hidden"},
            {"visibility": "visible"},
        ),
        (
            Output("graph-bar", "style"),
            {"visibility": "visible"},
            {"visibility": "hidden"},
        ),
    ],
    cancel=[Input("graph-cancel", "n_clicks")],
    progress=Output("graph-bar", "figure"),
    progress_default=make_progress_graph(0, 10),
    interval=1000,
)
def callback(set_progress, n_clicks):
    total = 10
    for i in range(total):
        time.sleep(0.5)
        set_progress(make_progress_graph(i, 10))

    return [f"Clicked {n_clicks} times"]


layout = example(__file__, demo)
