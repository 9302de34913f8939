"""The types of decorated functions. Type checkers read this file; nothing runs it.

``make types`` checks it with mypy and pyright. Both report an expected error that is
missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import dash
from dash import Input, Output
from typing_extensions import assert_type

import dash_long_components
from dash_long_components import (
    DiskcacheLongCallbackManager,
    current_job,
    long_callback,
)

manager = DiskcacheLongCallbackManager()
app = dash_long_components.Dash(__name__, long_callback_manager=manager)


@long_callback(Output("a", "children"), Input("b", "value"))
def plain(value: int, *, text: str = "") -> list[str]:
    return [text] * value


@app.long_callback(
    output=Output("c", "children"),
    inputs=Input("d", "value"),
    progress=Output("e", "value"),
    running=[(Output("f", "disabled"), True, False)],
    cancel=Input("g", "n_clicks"),
    interval=500,
    job="job",
    manager=manager,
)
def with_progress(set_progress: Callable[[Any], None], value: int) -> str:
    set_progress(value)
    return str(value)


@app.long_callback(Input("h", "n_clicks"))
async def without_output(clicks: int) -> None:
    assert clicks


@long_callback(Output("i", "children"), Input("j", "value"), job="view")
def stream(value: int) -> Iterator[str]:
    for number in current_job().track(range(value), text="numbers"):
        assert_type(number, int)
        current_job().log(number)
        yield str(number)


assert_type(stream(1), Iterator[str])

# The function's own type, names of arguments and all.
assert_type(plain(1, text="x"), list[str])
assert_type(plain(value=1), list[str])
assert_type(with_progress(print, 1), str)

typed: Callable[[Callable[[Any], None], int], str] = with_progress


async def check_async() -> None:
    assert_type(await without_output(1), None)


# Wrong arguments are still errors.
plain("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
plain()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
number: int
number = plain(1)  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
long_callback(
    interval="1",  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
)

manager.init_app(dash.Dash(__name__))
manager.init_app(app)
