"""The first page: a job to start at once, and a card for each example."""

from __future__ import annotations

import time

import dash
from dash import Input, Output, dcc, html
from dash.development.base_component import Component
from tqdm import tqdm

from dash_long_components import LongJob, LongJobButton, current_job, long_callback
from gallery.frame import pages

dash.register_page(__name__, path="/", name="Overview", order=0)

INTRODUCTION = """
# Long callbacks

A page starts work that takes seconds to hours, and neither the server nor the page
waits for it. Start a job here, reload the page, or go to another one: the job goes on.
"""

EXAMPLES = """
Each example below is live, and shows the source that runs. One manager runs them all:
Diskcache, or Celery if a broker is configured.
"""


def layout() -> Component:
    return html.Article(
        [
            dcc.Markdown(INTRODUCTION, className="prose"),
            html.Section(
                html.Div(
                    [
                        LongJobButton("Make the report", id="home-button"),
                        LongJob(id="home-job"),
                        html.P(id="home-paragraph"),
                    ],
                    className="demo",
                ),
                className="card first",
            ),
            dcc.Markdown(EXAMPLES, className="prose"),
            html.Div(
                [
                    dcc.Link(
                        [html.H2(page["name"]), html.P(page["description"])],
                        href=page["relative_path"],
                        className="card",
                    )
                    for page in pages()
                    if page["path"] != "/"
                ],
                className="cards",
            ),
        ]
    )


@long_callback(
    output=Output("home-paragraph", "children"),
    inputs=Input("home-button", "n_clicks"),
    job="home-job",
    prevent_initial_call=True,
)
def callback(n_clicks):
    for part in tqdm(["Orders", "Customers", "Prices", "Summary"], desc="Report"):
        current_job().log(f"{part}: 40 rows")
        for _ in current_job().track(range(40), text=part):
            time.sleep(0.05)
    return f"Report {n_clicks} is done."
