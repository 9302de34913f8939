"""Two pages with a tray around them; Bootstrap on one, Mantine on the other."""

import os
import time
from pathlib import Path

import dash_bootstrap_components as dbc
import dash_mantine_components as dmc
import diskcache
from dash import Input, Output, dcc, html, page_container, register_page, set_props

import dash_long_components as dash
from dash_long_components import (
    DiskcacheLongCallbackManager,
    LongJob,
    LongJobTray,
    long_callback,
)

manager = DiskcacheLongCallbackManager(diskcache.Cache("./cache"))
app = dash.Dash(
    __name__,
    long_callback_manager=manager,
    use_pages=True,
    pages_folder="",
    external_stylesheets=[],
)

register_page(
    "bootstrap",
    path="/",
    title="Bootstrap",
    layout=dbc.Container(
        [
            dbc.Button("Start", id="start-bootstrap"),
            dbc.Card(dbc.CardBody(LongJob(id="job-bootstrap"))),
            html.P("", id="note-bootstrap"),
            html.P("-", id="out-bootstrap"),
        ]
    ),
)
register_page(
    "mantine",
    path="/mantine",
    title="Mantine",
    layout=dmc.Stack(
        [
            dmc.Button("Start", id="start-mantine"),
            dmc.Card(LongJob(id="job-mantine"), withBorder=True),
            html.P("", id="note-mantine"),
            html.P("-", id="out-mantine"),
        ]
    ),
)

app.layout = dmc.MantineProvider(
    [
        LongJobTray(id="tray"),
        dcc.Link("Bootstrap", href="/", id="to-bootstrap"),
        dcc.Link("Mantine", href="/mantine", id="to-mantine"),
        page_container,
    ]
)


def add_job(name: str) -> None:
    @long_callback(
        Output(f"out-{name}", "children"),
        Input(f"start-{name}", "n_clicks"),
        job=f"job-{name}",
        prevent_initial_call=True,
    )
    def job(set_progress, n_clicks: int) -> str:  # type: ignore[no-untyped-def]
        set_props(f"note-{name}", {"children": "noted"})
        set_progress((1, 4, name))
        while not Path("go-on").exists():
            time.sleep(0.02)
        return f"{name} {n_clicks}"


add_job("bootstrap")
add_job("mantine")


if __name__ == "__main__":
    app.run(port=int(os.environ["PORT"]))
