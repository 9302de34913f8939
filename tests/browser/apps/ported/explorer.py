"""An explorer of a database: a factory makes the app, and its callbacks query.

Moved from ``background=True``. Before, the factory got an open database, which no other
process can use. Now it gets the path.
"""

import os
import sqlite3
from contextlib import closing
from typing import Any

import diskcache
from dash import Input, Output, State, dcc, html

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

PATH = "paths.db"


class Database:
    """Slacks of paths, by iteration.

    Each query has a connection of its own: jobs would share one that is open when
    their processes are made.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def query(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self._path)) as connection:
            return connection.execute(text, values).fetchall()


def fill(path: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS slack (iteration, value)")
        rows = [(iteration, 0.5 * iteration) for iteration in range(40)]
        connection.executemany("INSERT INTO slack VALUES (?, ?)", rows)


def make_app(path: str) -> dash.Dash:
    database = Database(path)
    app = dash.Dash(
        __name__,
        long_callback_manager=DiskcacheLongCallbackManager(diskcache.Cache("./cache")),
    )
    ((first, last),) = database.query(
        "SELECT min(iteration), max(iteration) FROM slack"
    )
    app.layout = html.Div(
        [
            dcc.RangeSlider(first, last, value=[first, last], id="iterations"),
            html.Button("Compute", id="compute"),
            html.P("", id="state"),
            html.P("", id="result"),
        ]
    )

    @app.long_callback(
        output=Output("result", "children"),
        inputs={"_clicks": Input("compute", "n_clicks")},
        state={"chosen": State("iterations", "value")},
        running=[(Output("state", "children"), "Computing…", "Ready")],
        progress=[Output("state", "title")],
        prevent_initial_call=True,
    )
    def compute(set_progress: Any, _clicks: Any, chosen: list[int]) -> str:
        total = 0.0
        for iteration in range(chosen[0], chosen[1] + 1, 10):
            set_progress((f"Iteration {iteration}",))
            for (value,) in database.query(
                "SELECT value FROM slack WHERE iteration = ?", iteration
            ):
                total += value
        return f"Total slack: {total:g}"

    return app


if __name__ == "__main__":
    fill(PATH)
    make_app(PATH).run(port=os.environ["PORT"])
