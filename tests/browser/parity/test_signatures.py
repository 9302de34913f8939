"""Every way to give dependencies, beside an ordinary callback."""

from __future__ import annotations

import functools
import json
from typing import Any

import dash
import pytest
from dash import ALL, MATCH, Input, Output, State, html

from dash_long_components import DiskcacheLongCallbackManager
from tests.browser.parity.twins import Twins, item

OUT = Output("out", "children")
OTHER = Output("other", "children")
A, B = Input("a", "value"), Input("b", "value")
STATE = State("state", "value")


SIGNATURES: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "positional": ((OUT, A, B, STATE), {}),
    "lists": (([OUT], [A, B], [STATE]), {}),
    "two outputs": ((OUT, OTHER, A, B, STATE), {}),
    "trailing bool": ((OUT, A, B, STATE, True), {}),
    "trailing bool, false": ((OUT, A, B, STATE, False), {}),
    "state first": ((OUT, STATE, A, B), {}),
    "state between": ((OUT, A, STATE, B), {}),
    "keywords": ((), {"output": OUT, "inputs": [A, B], "state": STATE}),
    "single input by keyword": ((), {"output": [OUT, OTHER], "inputs": A}),
    "dict": ((), {"output": OUT, "inputs": {"y": B, "x": A}, "state": {"z": STATE}}),
    "state in inputs": ((), {"output": OUT, "inputs": {"s": STATE, "x": A, "y": B}}),
    "nested": (
        (),
        {
            "output": {"one": OUT, "more": {"two": [OTHER]}},
            "inputs": {"x": {"y": (A, B)}, "z": [STATE]},
        },
    ),
    "nested, positional": (((OUT, {"o": OTHER}), [A, {"b": B}], [STATE]), {}),
    "no output": ((A, B, STATE), {}),
    "no output, dict": ((), {"inputs": {"x": A, "y": B}, "state": {"z": STATE}}),
    "no output, single": ((A,), {}),
    "no output, trailing bool": ((A, B, True), {}),
    "duplicate": (
        (Output("out", "children", allow_duplicate=True), A, B),
        {"prevent_initial_call": True},
    ),
    "options": ((OUT, A, B), {"prevent_initial_call": True, "optional": True}),
}


def request_of(app: dash.Dash) -> tuple[Any, list[Any], list[Any]]:
    """Return what a page would send for the only callback of an app."""
    ((_, callback),) = app.callback_map.items()
    output = callback["output"]
    outputs = list(map(item, output)) if isinstance(output, list) else item(output)
    values = iter(range(10))
    inputs = [{**each, "value": next(values)} for each in callback["inputs"]]
    state = [{**each, "value": next(values)} for each in callback["state"]]
    return outputs or None, inputs, state


@pytest.mark.parametrize("name", SIGNATURES)
def test_function_gets_what_dash_would_give_it(twins: Twins, name: str) -> None:
    dependencies, options = SIGNATURES[name]
    # Outputs may be grouped in the first argument.
    grouped = dependencies and isinstance(dependencies[0], list | tuple)
    first_group = dependencies[0] if grouped else ()

    @twins.callback(*dependencies, **options)
    def look(*args: Any, **kwargs: Any) -> Any:
        dash.set_props("seen", {"args": args, "kwargs": kwargs})

        def fill(grouping: Any) -> Any:
            if isinstance(grouping, dict):
                return {key: fill(value) for key, value in grouping.items()}
            if isinstance(grouping, list | tuple):
                return [fill(value) for value in grouping]
            return str(grouping)

        if "output" in options:
            return fill(options["output"])
        outputs = [each for each in dependencies if isinstance(each, Output)]
        if len(outputs) == 1:
            return fill(outputs[0])
        return fill(outputs or first_group) or None

    plain, long = twins.ask(*request_of(twins.plain))
    assert plain.error is None
    # Without Outputs the response is empty or missing.
    assert (long.response or {}) == (plain.response or {})
    assert long.props == plain.props
    assert long.error is None


@pytest.mark.parametrize("name", SIGNATURES)
def test_callback_graph_is_that_of_an_ordinary_callback(
    twins: Twins, name: str
) -> None:
    dependencies, options = SIGNATURES[name]
    twins.callback(*dependencies, **options)(lambda *_, **__: None)
    plain, long = (
        app.server.test_client().get("/_dash-dependencies").json
        for app in (twins.plain, twins.long)
    )
    if name.startswith("no output"):
        # Dash tells them apart by their Inputs only: one Input is named twice.
        for graph in (plain, long):
            graph[0]["inputs"] = graph[0]["inputs"][: len(plain[0]["inputs"])]
            del graph[0]["output"]
    assert long == plain


def test_long_callbacks_without_outputs_live_side_by_side(
    manager: DiskcacheLongCallbackManager,
) -> None:
    twins = Twins(manager)
    app = twins.long
    request = (None, [item(A, 5)])

    @app.callback(A)
    def ordinary(value: int) -> None:
        dash.set_props("seen", {"ordinary": value})

    for number in range(3):

        @app.long_callback(A)
        def look(value: int, number: int = number) -> None:
            dash.set_props("seen", {"long": [number, value]})

    names = list(app.callback_map)
    assert len(set(names)) == 4
    seen = [
        twins.ask_long(*request, callback=index).props["seen"] for index in (1, 2, 3)
    ]
    assert seen == [{"long": [number, 5]} for number in range(3)]


def test_several_callbacks_may_write_to_one_output(
    manager: DiskcacheLongCallbackManager,
) -> None:
    twins = Twins(manager)
    app = twins.long
    app.callback(OUT, A)(lambda value: ["ordinary", value])
    again = Output("out", "children", allow_duplicate=True)

    @app.long_callback(again, B, prevent_initial_call=True)
    def first_job(value: int) -> Any:
        return ["first", value]

    other_input = Input("c", "value")

    @app.long_callback(again, STATE, other_input, True)
    def second_job(state: int, value: int) -> Any:
        return ["second", state, value]

    names = list(app.callback_map)

    def sent(index: int) -> Any:
        return {"id": "out", "property": names[index].partition(".")[2]}

    first = twins.ask_long(sent(1), [item(B, 1)], callback=1)
    # The handle names the property, for the page to mark it as loading.
    assert twins.handle["outputs"] == [["out", "children"]]
    second = twins.ask_long(
        sent(2), [item(other_input, 2)], [item(STATE, 3)], callback=2
    )
    assert first.response == {"out": {"children": ["first", 1]}}
    assert second.response == {"out": {"children": ["second", 3, 2]}}


def test_optional_dependencies_may_be_missing(twins: Twins) -> None:
    missing = Input("missing", "value", allow_optional=True)
    state = State("missing", "value", allow_optional=True)
    twins.callback(OUT, A, missing, state)(lambda *values: values)
    nothing = {"id": "missing", "property": "value"}
    plain, long = twins.ask(item(OUT), [item(A, 1), nothing], [nothing])
    assert long == plain
    assert long.value() == [1, None, None]


def test_component_is_accepted_as_its_id(twins: Twins) -> None:
    paragraph, field = html.P(), dash.dcc.Input()
    twins.callback(Output(paragraph, "children"), Input(field, "value"))(
        lambda value: value
    )
    plain, long = twins.ask(*request_of(twins.plain))
    assert plain.error is None
    assert long == plain


def test_long_callback_is_registered_only_with_its_app(twins: Twins) -> None:
    twins.callback(OUT, A)(lambda value: value)
    assert "out.children" not in dash._callback.GLOBAL_CALLBACK_MAP


class Adder:
    def __call__(self, value: int) -> int:
        return value + 1


@pytest.mark.parametrize(
    "function",
    [functools.partial(max, 3), Adder(), abs],
    ids=["partial", "object", "builtin"],
)
def test_any_callable_can_be_decorated(twins: Twins, function: Any) -> None:
    twins.callback(OUT, A)(function)
    plain, long = twins.ask(item(OUT), [item(A, 5)])
    assert plain.error is None
    assert long == plain


def test_patterns_in_running_progress_and_cancel_are_of_the_instance(
    manager: DiskcacheLongCallbackManager,
) -> None:
    def wild(kind: str, index: Any) -> dict[str, Any]:
        return {"type": kind, "index": index}

    twins = Twins(manager)
    twins.long.long_callback(
        Output(wild("out", MATCH), "children"),
        Input(wild("in", MATCH), "value"),
        running=[
            (Output(wild("in", MATCH), "disabled"), True, False),
            (Output(wild("other", ALL), "hidden"), True, False),
        ],
        progress={"bar": Output(wild("bar", MATCH), "value")},
        progress_default={"bar": 0},
        cancel=Input(wild("cancel", MATCH), "n_clicks"),
    )(lambda set_progress, value: value)
    twins.ask_long(
        {"id": wild("out", 2), "property": "children"},
        [{"id": wild("in", 2), "property": "value", "value": 1}],
    )
    handle = json.loads(json.dumps(twins.handle))
    assert handle["running"] == [
        [wild("in", 2), "disabled", True, False],
        [wild("other", ["ALL"]), "hidden", True, False],
    ]
    assert handle["progress"] == [[wild("bar", 2), "value", 0]]
    assert handle["cancel"] == [[wild("cancel", 2), "n_clicks"]]
    assert handle["callbackKey"].endswith('{"index": 2}')
