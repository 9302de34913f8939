"""The page that shows a move from Dash 2, with what changes marked."""

from __future__ import annotations

from pathlib import Path

import dash
from dash import dcc, html
from dash.development.base_component import Component

dash.register_page(
    __name__,
    name="Moving from Dash 2",
    description="An app with app.long_callback of Dash 2, before and after.",
    order=16,
)

AFTER = Path(__file__).parents[2] / "examples" / "progress_bar.py"

#: What changes in the example, and how Dash 2 has it.
BEFORE = {
    "import dash_long_components as dash": "import dash",
    "from dash_long_components import": "from dash.long_callback import",
    "app.run(": "app.run_server(",
}

INTRODUCTION = f"""
# Moving from Dash 2

Dash 3 has no `app.long_callback` any more. Here it takes the same arguments as in
Dash 2: {len(BEFORE)} lines of this example change.
"""


def in_dash_2(line: str) -> str:
    """Return a line of the example as Dash 2 has it."""
    for here, there in BEFORE.items():
        line = line.replace(here, there)
    return line


def listing(title: str, lines: list[str], changed: set[str]) -> Component:
    """Return a card with code, in which some lines are marked."""
    code = [
        html.Mark(f"{line}\n") if line in changed else f"{line}\n" for line in lines
    ]
    return html.Section(
        [html.H2(title), html.Pre(html.Code(code), tabIndex=0)],
        className="card source",
    )


def layout() -> Component:
    lines = AFTER.read_text(encoding="utf-8").splitlines()
    before = [in_dash_2(line) for line in lines]
    changed = {line for pair in zip(lines, before, strict=True) for line in pair}
    changed -= {*lines} & {*before}
    return html.Article(
        [
            dcc.Markdown(INTRODUCTION, className="prose"),
            html.Div(
                [
                    listing("Dash 2", before, changed),
                    listing("Here", lines, changed),
                ],
                className="columns even",
            ),
        ]
    )
