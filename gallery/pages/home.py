"""The first page: what this is, and a card for each example."""

from __future__ import annotations

import dash
from dash import dcc, html
from dash.development.base_component import Component

from gallery.frame import pages

dash.register_page(__name__, path="/", name="Overview", order=0)

INTRODUCTION = """
# Long callbacks

Work that takes seconds to hours, started from a page, without holding up the
server or the page. Each example below runs as you see it, on one manager for all of
them (Diskcache, or Celery where a broker is named), and its source stands beside it:
the very code that runs.
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
