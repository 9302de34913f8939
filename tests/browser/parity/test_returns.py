"""A job may return and raise all that an ordinary callback may."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dash
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from dash import ALL, Input, Output, Patch, ctx, dcc, html, no_update, set_props
from dash.exceptions import PreventUpdate

from dash_long_components import DiskcacheLongCallbackManager
from tests.browser.parity.twins import Item, Outcome, Twins, item

OUT = Output("out", "children")
OTHER = Output("other", "children")
IN = Input("in", "value")
ROWS = Output({"type": "row", "index": ALL}, "children")


def rows(count: int) -> list[Item]:
    return [
        {"id": {"type": "row", "index": index}, "property": "children"}
        for index in range(count)
    ]


def figure() -> go.Figure:
    return go.Figure(go.Scatter(x=np.arange(3), y=pd.Series([1.5, np.nan, 2])))


def patch() -> Patch:
    patch = Patch()
    patch.append(html.B("more"))
    patch[0]["props"]["children"] = np.array([1, 2])
    del patch[3]
    return patch


VALUES: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "zero": lambda: 0,
    "false": lambda: False,
    "empty text": lambda: "",
    "empty list": list,
    "empty dict": dict,
    "nan and infinity": lambda: [float("nan"), float("inf")],
    "component": lambda: html.Div([html.P("text", id="p"), None, dcc.Graph()]),
    "components": lambda: [html.B("bold"), "text", 1],
    "figure": figure,
    "graph": lambda: dcc.Graph(figure=figure()),
    "patch": patch,
    "numpy": lambda: [np.int64(3), np.float64(0.5), np.bool_(True), np.eye(2)],
    "pandas": lambda: [
        pd.Series([1, 2]),
        pd.date_range("2026-01-01", periods=2),
        pd.Categorical(["a", "b"]),
        pd.NaT,
        pd.NA,
    ],
    "records": lambda: pd.DataFrame({"a": [1], "b": [pd.Timestamp(0)]}).to_dict(
        "records"
    ),
    "time": lambda: [datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1, 12)],
    "no_update": lambda: no_update,
}

#: Values that are not JSON serializable.
NO_JSON: dict[str, Callable[[], Any]] = {
    "set": lambda: {1},
    "data frame": lambda: pd.DataFrame({"a": [1]}),
    "complex": lambda: {"children": [complex(1)]},
}


@pytest.mark.parametrize("name", VALUES)
def test_value_is_what_dash_makes_of_it(twins: Twins, name: str) -> None:
    make = VALUES[name]

    @twins.callback(OUT, IN)
    def give(_value: int) -> Any:
        return make()

    plain, long = twins.ask(item(OUT), [item(IN)])
    assert long == plain
    assert plain.error is None


@pytest.mark.parametrize("name", NO_JSON)
def test_value_without_json_is_refused_in_other_words(twins: Twins, name: str) -> None:
    make = NO_JSON[name]

    @twins.callback(OUT, IN)
    def give(_value: int) -> Any:
        return make()

    plain, long = twins.ask(item(OUT), [item(IN)])
    assert plain.error
    assert long.error
    assert long == replace(plain, error=long.error)
    assert long.error[0] == plain.error[0]
    # Dash names the value that was returned, and not what in it is wrong.
    kind = {"set": "set", "data frame": "DataFrame", "complex": "complex"}[name]
    assert f"of type {kind}, which is not JSON serializable" in long.error[1]


SEVERAL: dict[str, tuple[Any, bool]] = {
    "both": (lambda: [1, 2], True),
    "tuple": (lambda: (1, 2), True),
    "no_update": (lambda: no_update, True),
    "no_update and a value": (lambda: [no_update, 0], True),
    "twice no_update": (lambda: (no_update, no_update), True),
    "too few": (lambda: [1], False),
    "too many": (lambda: [1, 2, 3], False),
    "one": (lambda: 1, False),
    "none": (lambda: None, False),
    "text": (lambda: "ab", False),
    "dict": (lambda: {"out": 1, "other": 2}, False),
}


@pytest.mark.parametrize("name", SEVERAL)
def test_values_of_several_outputs(twins: Twins, name: str) -> None:
    make, is_right = SEVERAL[name]

    @twins.callback([OUT, OTHER], IN)
    def give(_value: int) -> Any:
        return make()

    plain, long = twins.ask([item(OUT), item(OTHER)], [item(IN)])
    assert long == plain
    assert (plain.error is None) is is_right


@pytest.mark.parametrize("values", [[[1, 2], 3], [[1], 3], [[], 3], [(0, None), ""]])
def test_values_of_a_pattern_beside_another_output(twins: Twins, values: Any) -> None:
    @twins.callback(ROWS, OUT, IN)
    def give(_value: int) -> Any:
        return values

    count = 0 if values == [[], 3] else 2
    plain, long = twins.ask([rows(count), item(OUT)], [item(IN)])
    assert long == plain


@pytest.mark.parametrize("values", [[1, 2], (0, None), [1]])
def test_values_of_a_pattern_alone(twins: Twins, values: Any) -> None:
    @twins.callback(ROWS, IN)
    def give(_value: int) -> Any:
        return values

    plain, long = twins.ask(rows(2), [item(IN)])
    assert long == plain


@pytest.mark.parametrize("outputs", [ROWS, [ROWS]])
def test_pattern_that_matches_nothing(twins: Twins, outputs: Any) -> None:
    @twins.callback(outputs, IN)
    def give(_value: int) -> Any:
        return [[]] if isinstance(outputs, list) else []

    sent: Item = [[]] if isinstance(outputs, list) else []
    plain, long = twins.ask(sent, [item(IN)])
    assert long == plain == Outcome(response={})


def test_prevented_update_leaves_everything(twins: Twins) -> None:
    @twins.callback(OUT, IN)
    def give(_value: int) -> Any:
        raise PreventUpdate

    plain, long = twins.ask(item(OUT), [item(IN)])
    assert long == plain == Outcome()


@pytest.mark.parametrize("value", [None, 0, "text"])
def test_callback_without_outputs_returns_nothing(twins: Twins, value: Any) -> None:
    @twins.callback(IN)
    def give(_value: int) -> Any:
        return value

    plain, long = twins.ask(None, [item(IN)])
    assert long == plain
    assert (plain.error is None) is (value is None)


class OwnError(Exception):
    """An error that is not Python's own, with more than one argument."""


def fail(_value: int) -> Any:
    raise OwnError("what is wrong", 3)


def answer(error: Exception) -> Any:
    set_props("shown", {"children": type(error).__name__})
    return [isinstance(error, OwnError), *error.args, ctx.triggered, ctx.inputs]


HANDLERS: dict[str, Callable[[Exception], Any]] = {
    "answers": answer,
    "leaves": lambda _error: None,
    "no_update": lambda _error: no_update,
    "zero": lambda _error: 0,
}


@pytest.mark.parametrize("name", HANDLERS)
@pytest.mark.parametrize("whose", ["callback", "app"])
def test_error_handler_gets_the_error_and_the_context(
    manager: DiskcacheLongCallbackManager, name: str, whose: str
) -> None:
    handler = {"on_error": HANDLERS[name]}
    twins = Twins(manager, **handler if whose == "app" else {})
    # A local function travels by value, and so does its handler.
    twins.callback(OUT, IN, **handler if whose == "callback" else {})(
        lambda value: fail(value)
    )
    request = (item(OUT), [item(IN, 3)])
    plain, long = twins.ask(*request, triggered=["in.value"])
    assert long == plain
    assert plain.error is None
    if name == "answers":
        triggered = [{"prop_id": "in.value", "value": 3}]
        expected = [True, "what is wrong", 3, triggered, {"in.value": 3}]
        assert long.value() == expected
        assert long.props == {"shown": {"children": "OwnError"}}


def test_handler_of_the_callback_wins_over_that_of_the_app(
    manager: DiskcacheLongCallbackManager,
) -> None:
    twins = Twins(manager, on_error=lambda _: "the app's")
    twins.callback(OUT, IN, on_error=lambda _: "its own")(lambda value: fail(value))
    plain, long = twins.ask(item(OUT), [item(IN)])
    assert long == plain
    assert long.value() == "its own"


def test_handlers_of_several_apps_are_their_own(
    manager: DiskcacheLongCallbackManager,
) -> None:
    pairs = [Twins(manager, on_error=lambda _, n=n: n) for n in range(2)]
    for twins in pairs:
        twins.callback(OUT, IN)(lambda value: fail(value))
    outcomes = [twins.ask(item(OUT), [item(IN)]) for twins in pairs]
    assert [plain.value() for plain, _ in outcomes] == [0, 1]
    assert [long.value() for _, long in outcomes] == [0, 1]


def test_jobs_of_several_apps_are_their_own(
    manager: DiskcacheLongCallbackManager,
) -> None:
    pairs = [Twins(manager) for _ in range(2)]
    for number, twins in enumerate(pairs):
        twins.callback(OUT, IN)(lambda _value, number=number: number)
    assert [twins.ask_long(item(OUT), [item(IN)]).value() for twins in pairs] == [0, 1]


def raise_prevent_update(_error: Exception) -> None:
    raise PreventUpdate


def raise_another(_error: Exception) -> None:
    raise ValueError("another")


@pytest.mark.parametrize("handler", [raise_prevent_update, raise_another])
def test_error_handler_may_raise(twins: Twins, handler: Callable[..., Any]) -> None:
    twins.callback(OUT, IN, on_error=lambda error: handler(error))(
        lambda value: fail(value)
    )
    plain, long = twins.ask(item(OUT), [item(IN)])
    assert long == plain


def test_error_without_handler_is_named(twins: Twins) -> None:
    twins.callback(OUT, IN)(lambda value: fail(value))
    plain, long = twins.ask(item(OUT), [item(IN)])
    assert long == plain
    assert plain.error == ("OwnError", "('what is wrong', 3)")


def test_properties_set_before_an_error_stay(twins: Twins) -> None:
    """Here a job goes further: they were on the page before the error."""

    @twins.callback(OUT, IN)
    def give(_value: int) -> Any:
        dash.set_props("shown", {"children": 1})
        raise OwnError(1)

    assert twins.ask_long(item(OUT), [item(IN)]).props == {"shown": {"children": 1}}
