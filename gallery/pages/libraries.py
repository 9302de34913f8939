"""# In other libraries

A `LongJob` follows the look of its surroundings: text colour and font, and the accent
colour of Dash Mantine Components or of a Bootstrap theme. On a page with both, as here,
it uses Mantine's colour; `--long-job-accent` sets another.
"""

import time

import dash
import dash_bootstrap_components as dbc
import dash_mantine_components as dmc
from dash import Input, Output, html

from dash_long_components import LongJob, current_job, long_callback
from gallery.frame import example

dash.register_page(
    __name__,
    name="Other libraries",
    description="Inside Mantine's and Bootstrap's components.",
    order=14,
)

demo = html.Div(
    [
        html.P(id="libraries-paragraph", children=["Button not clicked"]),
        html.Button(id="libraries-button", children="Run Jobs!"),
        dmc.MantineProvider(
            dmc.Card(
                [dmc.Title("Mantine", order=4), LongJob(id="libraries-mantine")],
                withBorder=True,
            ),
            forceColorScheme="light",
            theme={"primaryColor": "teal"},
        ),
        html.Br(),
        dbc.Card(
            dbc.CardBody(
                [
                    html.H3("Bootstrap"),
                    LongJob(
                        id="libraries-bootstrap",
                        style={"--long-job-accent": "var(--bs-primary)"},
                    ),
                ]
            ),
            style={"--bs-primary": "#0d6efd"},
        ),
    ]
)


def work():
    for _ in current_job().track(range(20), text="Reading"):
        time.sleep(0.3)


@long_callback(
    output=Output("libraries-paragraph", "children"),
    inputs=Input("libraries-button", "n_clicks"),
    job="libraries-mantine",
    prevent_initial_call=True,
)
def callback(n_clicks):
    work()
    return [f"Clicked {n_clicks} times"]


@long_callback(
    inputs=Input("libraries-button", "n_clicks"),
    job="libraries-bootstrap",
    prevent_initial_call=True,
)
def beside(n_clicks):
    work()


layout = example(__file__, demo)
