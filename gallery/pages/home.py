"""The first page: an introduction, and a card for each example."""

from __future__ import annotations

import dash
from dash import dcc, html
from dash.development.base_component import Component

from gallery.frame import pages

dash.register_page(__name__, path="/", name="Overview", order=0)

INTRODUCTION = """
# Long callbacks

A page starts work that takes seconds to hours, and neither the server nor the page
waits for it. Each example below is live, and shows the source that runs. One manager
runs them all: Diskcache, or Celery if a broker is configured.
"""


def layout() -> Component:
    return html.Article(
        [
            dcc.Markdown(INTRODUCTION, className="prose"),
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
