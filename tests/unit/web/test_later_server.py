"""An app of ``Dash(server=False)`` has its long callbacks on the server it gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dash
import flask
import pytest
from dash import Input, Output, html

import dash_long_components as dlc
from dash_long_components import long_callback
from dash_long_components.testing import MemoryLongCallbackManager, Page


def plain(manager: MemoryLongCallbackManager) -> dash.Dash:
    app = dash.Dash(__name__, server=False)
    manager.init_app(app, user=lambda: flask.request.headers.get("User"))
    return app


def own(manager: MemoryLongCallbackManager) -> dash.Dash:
    return dlc.Dash(__name__, server=False, long_callback_manager=manager)


@pytest.mark.skipif(
    not hasattr(dash, "backends"),
    reason="The app of an old Dash has no server, and init_app() of a manager says so.",
)
@pytest.mark.parametrize("make", [plain, own])
def test_manager_may_come_before_the_server(
    make: Callable[[MemoryLongCallbackManager], dash.Dash],
) -> None:
    manager = MemoryLongCallbackManager()
    app = make(manager)
    app.layout = html.Div([html.P(id="in"), html.P(id="out")])

    @long_callback(Output("out", "children"), Input("in", "children"))
    def double(value: int) -> Any:
        return 2 * value

    server = flask.Flask("later")
    app.init_app(server)
    job = Page(app, server.test_client()).run("out.children", {"in.children": 2})
    assert job.outputs == {"out.children": 4}
    manager.close()
