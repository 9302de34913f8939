"""The frame of the gallery's pages: header, navigation, example and source."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dash
from dash import ALL, Input, Output, State, clientside_callback, dcc, html
from dash.development.base_component import Component

from dash_long_components import LongJobTray


def frame() -> Callable[[], Component]:
    """Return the layout around the pages, with a link to each of them."""
    clientside_callback(
        """(here, ids) => {
            setTimeout(() => document.querySelector('.here')?.scrollIntoView(
                {block: 'nearest', inline: 'center'}));
            return ids.map(id => id.path === here ? 'link here' : 'link');
        }""",
        Output({"type": "link", "path": ALL}, "className"),
        Input("_pages_location", "pathname"),
        State({"type": "link", "path": ALL}, "id"),
    )

    clientside_callback(
        "() => switchTheme()", Input("theme", "n_clicks"), prevent_initial_call=True
    )

    # A function: Dash imports the pages after it has made the layout.
    def layout() -> Component:
        return html.Div(
            className="gallery",
            children=[
                html.Header(
                    [
                        dcc.Link("dash-long-components", href="/", className="brand"),
                        html.Span("Long callbacks for Dash", className="motto"),
                        html.Button("Light or dark", id="theme"),
                        LongJobTray(id="tray", labels=task_names()),
                    ]
                ),
                html.Nav(
                    [
                        dcc.Link(
                            page["name"],
                            id={"type": "link", "path": page["path"]},
                            href=page["relative_path"],
                            className="link",
                        )
                        for page in pages()
                    ]
                ),
                html.Main(dash.page_container),
            ],
        )

    return layout


def pages() -> list[dict[str, Any]]:
    """Return Dash's entry for each page, in the order of the navigation."""
    return [page for page in dash.page_registry.values() if page["order"] is not None]


def task_names() -> dict[str, str]:
    """Return the name of each page, by the name of its task."""
    return {f"{page['module']}.callback": page["name"] for page in pages()}


def example(file: str, demo: Component) -> Component:
    """Return a page that explains, runs and shows the example in a file.

    Args:
        file: the page's own file. Its docstring, in Markdown, is the explanation.
        demo: the components of the example.
    """
    text = Path(file).read_text(encoding="utf-8")
    docstring = ast.parse(text).body[0]
    code = "\n".join(text.splitlines()[docstring.end_lineno :]).strip()
    return html.Article(
        [
            dcc.Markdown(ast.get_docstring(ast.parse(text)), className="prose"),
            html.Div(
                className="columns",
                children=[
                    html.Section(
                        [html.H2("Live"), html.Div(demo, className="demo")],
                        className="card",
                    ),
                    html.Section(
                        [html.H2("Source"), dcc.Markdown(f"```python\n{code}\n```")],
                        className="card source",
                    ),
                ],
            ),
        ]
    )
