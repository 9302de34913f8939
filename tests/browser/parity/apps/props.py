"""Jobs that set and return values, and callbacks that depend on them."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diskcache
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from dash import (
    ALL,
    Input,
    NoUpdate,
    Output,
    Patch,
    State,
    ctx,
    dcc,
    html,
    no_update,
    set_props,
)

import dash_long_components as dash
from dash_long_components import DiskcacheLongCallbackManager

cache = diskcache.Cache("./cache")
manager = DiskcacheLongCallbackManager(cache, max_concurrency=8)


def app_error(error: Exception) -> str:
    set_props("errors", {"children": f"the app's: {error!r} {ctx.inputs}"})
    return "the app's"


app = dash.Dash(
    __name__,
    long_callback_manager=manager,
    on_error=app_error,
    suppress_callback_exceptions=True,
)

NAMES = [
    *("many", "pair", "pair-plain", "side", "dup-a", "dup-b", "dup-plain"),
    *("fail", "fail-own", "returns", "dynamic", "log"),
]

app.layout = html.Div(
    [
        *[html.Button(name, id=name) for name in NAMES],
        *[html.P(id=f"p{number}") for number in range(10)],
        html.P("idle", id="many-status"),
        html.P(id="many-result"),
        html.P(id="step"),
        html.P(id="step-seen"),
        dcc.Store(id="list", data=[]),
        html.P(id="list-seen"),
        html.P(id="p9-seen"),
        *[html.I(id={"type": "cell", "index": index}) for index in range(3)],
        *[html.P(id=name) for name in ("one", "two", "chained")],
        *[html.P(id=f"side-{name}") for name in ("plain", "first", "second")],
        html.P(id="dup"),
        *[html.P(id=name) for name in ("errors", "failed", "failed-own")],
        html.P("untouched", id="kept"),
        html.P("before", id="falsy"),
        dcc.Graph(id="graph"),
        html.Div(id="room"),
        html.P(id="room-result"),
        html.Ul([], id="lines"),
    ]
)


@app.long_callback(
    Output("many-result", "children"),
    Input("many", "n_clicks"),
    running=[(Output("many-status", "children"), "running", "idle")],
    progress=Output("step", "children"),
    prevent_initial_call=True,
    interval=200,
)
def many(set_progress: Callable[[Any], None], _clicks: int) -> str:
    for number in range(200):
        set_progress(f"step {number}")
        set_props(f"p{number % 10}", {"children": str(number)})
        patch = Patch()
        patch.append(number)
        set_props("list", {"data": patch})
    set_props({"type": "cell", "index": 1}, {"children": "one cell"})
    set_props({"type": "cell", "index": ALL}, {"title": "all cells"})
    while not Path("go").exists():
        time.sleep(0.02)
    return "done"


@app.callback(Output("step-seen", "children"), Input("step", "children"))
def see_step(step: str | None) -> str:
    return f"seen: {step}"


@app.callback(Output("p9-seen", "children"), Input("p9", "children"))
def see_p9(text: str | None) -> str:
    return f"seen: {text}"


@app.callback(Output("list-seen", "children"), Input("list", "data"))
def see_list(numbers: list[int]) -> str:
    return "in order" if numbers == list(range(200)) else str(len(numbers))


PAIR = [
    Output("one", "children", allow_duplicate=True),
    Output("two", "children", allow_duplicate=True),
]


def pair(n_clicks: int) -> tuple[str, str]:
    kind = "plain" if ctx.triggered_id == "pair-plain" else "long"
    return f"one {kind} {n_clicks}", f"two {kind} {n_clicks}"


app.callback(PAIR, Input("pair-plain", "n_clicks"), prevent_initial_call=True)(pair)
app.long_callback(PAIR, Input("pair", "n_clicks"), prevent_initial_call=True)(pair)


@app.callback(
    Output("chained", "children"),
    Input("one", "children"),
    Input("two", "children"),
    prevent_initial_call=True,
)
def chain(one: str, two: str) -> str:
    triggers = sorted(ctx.triggered_prop_ids)
    with Path("chained.log").open("a") as log:
        log.write(f"{one}, {two} by {' '.join(triggers)}\n")
    return f"{one}, {two}"


@app.callback(Input("side", "n_clicks"), prevent_initial_call=True)
def side_plain(n_clicks: int) -> None:
    set_props("side-plain", {"children": f"plain {n_clicks}"})


@app.long_callback(Input("side", "n_clicks"), prevent_initial_call=True)
def side_first(n_clicks: int) -> None:
    set_props("side-first", {"children": f"first {n_clicks}"})


@app.long_callback(Input("side", "n_clicks"), prevent_initial_call=True)
async def side_second(n_clicks: int) -> None:
    await asyncio.sleep(0)
    set_props("side-second", {"children": f"second {n_clicks}"})


DUP = Output("dup", "children", allow_duplicate=True)


@app.callback(DUP, Input("dup-plain", "n_clicks"), prevent_initial_call=True)
def dup_plain(n_clicks: int) -> str:
    return f"plain {n_clicks}"


@app.long_callback(DUP, Input("dup-a", "n_clicks"), prevent_initial_call=True)
def dup_a(n_clicks: int) -> str:
    return f"a {n_clicks}"


@app.long_callback(DUP, Input("dup-b", "n_clicks"), prevent_initial_call=True)
def dup_b(n_clicks: int) -> str:
    return f"b {n_clicks}"


@app.long_callback(
    Output("failed", "children"),
    Input("fail", "n_clicks"),
    prevent_initial_call=True,
    interval=200,
)
def fail(_clicks: int) -> str:
    raise KeyError("missing")


def own_error(error: Exception) -> str:
    assert type(error) is ZeroDivisionError
    return f"its own: {error!r} {ctx.triggered_id}"


@app.long_callback(
    Output("failed-own", "children"),
    Input("fail-own", "n_clicks"),
    on_error=own_error,
    prevent_initial_call=True,
    interval=200,
)
def fail_own(n_clicks: int) -> float:
    return n_clicks / 0


@app.long_callback(
    Output("kept", "children"),
    Output("falsy", "children"),
    Output("graph", "figure"),
    Input("returns", "n_clicks"),
    prevent_initial_call=True,
    interval=200,
)
def returns(_clicks: int) -> tuple[NoUpdate, int, go.Figure]:
    frame = pd.DataFrame({"x": np.arange(3), "y": [1.0, 4.0, 9.0]})
    return no_update, 0, go.Figure(go.Scatter(x=frame["x"], y=frame["y"]))


@app.long_callback(
    Output("room", "children"),
    Input("dynamic", "n_clicks"),
    prevent_initial_call=True,
    interval=200,
)
def dynamic(_clicks: int) -> Any:
    return [html.Button("new", id="new"), dcc.Input(id="new-input", value="typed")]


@app.long_callback(
    Output("room-result", "children"),
    Input("new", "n_clicks"),
    State("new-input", "value"),
    prevent_initial_call=True,
    interval=200,
)
def click_new(n_clicks: int, value: str) -> str:
    return f"{value} {n_clicks}"


@app.long_callback(
    Output("lines", "children"),
    Input("log", "n_clicks"),
    on_retrigger="queue",
    prevent_initial_call=True,
    interval=200,
)
def log(n_clicks: int) -> Patch:
    patch = Patch()
    patch.append(html.Li(n_clicks))
    return patch


if __name__ == "__main__":
    app.run(debug=True, use_reloader=False, dev_tools_hot_reload=False)
