"""Long callbacks of a DashProxy, whose transforms meet what jobs take and return."""

import importlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import diskcache
from dash import html

import dash_long_components as dash
from dash_long_components import (
    CeleryLongCallbackManager,
    DiskcacheLongCallbackManager,
    LongCallbackManager,
)

enrich: Any = importlib.import_module("dash_extensions.enrich")
Input, Output = enrich.Input, enrich.Output

settings = json.loads(os.environ["SETTINGS"])
manager: LongCallbackManager
if "celery" in settings:
    from celery import Celery

    celery_app = Celery(__name__)
    celery_app.conf.update(settings.pop("celery"))
    manager = CeleryLongCallbackManager(celery_app, **settings)
else:
    manager = DiskcacheLongCallbackManager(diskcache.Cache("./cache"), **settings)

folder = enrich.FileSystemBackend(os.environ["FOLDER"])


class Dash(dash.Dash, enrich.DashProxy):  # type: ignore[misc]
    """A DashProxy with long callbacks."""


app = Dash(
    __name__,
    long_callback_manager=manager,
    transforms=[
        enrich.TriggerTransform(),
        enrich.MultiplexerTransform(),
        enrich.DataclassTransform(),
        enrich.ServersideOutputTransform(backends=[folder]),
    ],
)
server = app.server
NAMES = ("keep", "count", "shift", "click", "named")
app.layout = html.Div(
    [html.Div([html.P(id=name), html.P(id=f"{name}-in")]) for name in NAMES]
)


@dataclass
class Point:
    """The data of a page, as a dict."""

    x: int
    y: int


@app.long_callback(Output("keep", "children"), Input("keep-in", "value"))
def keep(set_progress: Callable[[Any], None], value: int) -> Any:
    set_progress(0.5)
    # No JSON data.
    return enrich.Serverside({value, value + 1})


@app.long_callback(Output("count", "children"), Input("count-in", "value"))
def count(values: set[int]) -> int:
    return len(values)


@app.long_callback(Output("shift", "children"), Input("shift-in", "value"))
def shift(point: Point) -> Point:
    return Point(point.x + 1, point.y)


@app.long_callback(Output("click", "children"), enrich.Trigger("click-in", "value"))
def click() -> str:
    return "clicked"


@app.long_callback(
    output=Output("named", "children"), inputs={"values": Input("named-in", "value")}
)
def named(values: set[int]) -> int:
    return sum(values)


# A second callback with the same Output, which the multiplexer allows.
@app.callback(Output("count", "children"), Input("keep", "children"))
def reset(_value: str) -> None:
    return None


if __name__ == "__main__":
    app.run(port=os.environ["PORT"])
