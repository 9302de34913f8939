"""Transforms of dash-extensions that change ids and values, around a long callback."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from dash import html

import dash_long_components as dlc
from dash_long_components.testing import MemoryLongCallbackManager, Page

enrich: Any = pytest.importorskip("dash_extensions.enrich")
BaseModel: Any = importlib.import_module("pydantic").BaseModel


class Dash(dlc.Dash, enrich.DashProxy):  # type: ignore[misc]
    """A DashProxy with long callbacks."""


class Point(BaseModel):  # type: ignore[misc]
    x: int


@pytest.fixture
def manager() -> Iterator[MemoryLongCallbackManager]:
    manager = MemoryLongCallbackManager()
    yield manager
    manager.close()


@pytest.mark.parametrize(
    ("transform", "trigger", "output"),
    [
        (enrich.LoadingTransform(), "in.value", "out.children"),
        (enrich.PrefixIdTransform("shop"), "shop-in.value", "shop-out.children"),
        (enrich.CycleBreakerTransform(), "in_value_breaker.dst", "out.children"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_job_has_the_ids_that_a_transform_makes(
    manager: MemoryLongCallbackManager, transform: Any, trigger: str, output: str
) -> None:
    app = Dash(__name__, long_callback_manager=manager, transforms=[transform])
    app.layout = html.Div([html.P(id="in"), html.P(id="out")])
    is_breaker = isinstance(transform, enrich.CycleBreakerTransform)
    kind = enrich.CycleBreakerInput if is_breaker else enrich.Input

    @app.long_callback(enrich.Output("out", "children"), kind("in", "value"))
    def double(value: int) -> int:
        return 2 * value

    client = app.server.test_client()
    assert client.get("/").status_code == 200
    assert '"id":"_dash-long-jobs"' in client.get("/_dash-layout").text
    job = Page(app).run(output, {trigger: 3})
    assert job.outputs == {output: 6}


def test_function_takes_and_returns_a_model(manager: MemoryLongCallbackManager) -> None:
    transforms = [enrich.BaseModelTransform()]
    app = Dash(__name__, long_callback_manager=manager, transforms=transforms)
    app.layout = html.Div([html.P(id="in"), html.P(id="out")])

    @app.long_callback(enrich.Output("out", "title"), enrich.Input("in", "value"))
    def move(point: Point) -> Point:
        return Point(x=point.x + 1)

    assert app.server.test_client().get("/").status_code == 200
    job = Page(app).run("out.title", {"in.value": {"x": 1}})
    assert job.outputs == {"out.title": '{"x":2}'}


def test_two_callbacks_share_an_output(manager: MemoryLongCallbackManager) -> None:
    transforms = [enrich.MultiplexerTransform()]
    app = Dash(__name__, long_callback_manager=manager, transforms=transforms)
    app.layout = html.Div([html.P(id="in"), html.P(id="out")])

    @app.long_callback(enrich.Output("out", "children"), enrich.Input("in", "value"))
    def double(value: int) -> int:
        return 2 * value

    @app.callback(enrich.Output("out", "children"), enrich.Input("out", "title"))
    def reset(_title: str) -> None:
        """Has the same Output as the job."""

    assert app.server.test_client().get("/").status_code == 200
    job = Page(app).run("out.children", {"in.value": 3})
    assert job.outputs == {"out.children": 6}
