"""A job sees the same request as an ordinary callback."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import dash
import pytest
from dash import ALL, ALLSMALLER, MATCH, Input, Output, State, ctx

from tests.browser.parity.twins import Twins, item

OUT = Output("out", "children")
IN = Input("in", "value")
STATE = State("state", "value")

NAMES = [
    "inputs",
    "states",
    "triggered",
    "triggered_id",
    "triggered_prop_ids",
    "args_grouping",
    "outputs_grouping",
    "using_args_grouping",
    "using_outputs_grouping",
    "cookies",
    "path",
    "remote",
    "origin",
    "custom_data",
]
LISTS = ["inputs_list", "states_list", "outputs_list"]


def describe(names: list[str]) -> dict[str, str]:
    """Say what ``ctx`` holds, types included."""
    values = {name: getattr(ctx, name) for name in names}
    described = {name: f"{type(v).__name__} {v!r}" for name, v in values.items()}
    # The length of the request depends on the callback's id.
    headers = {k: v for k, v in ctx.headers.items() if k != "Content-Length"}
    return {**described, "headers": repr(headers), "falsy": repr(not ctx.triggered)}


def wild(kind: str, index: Any) -> dict[str, Any]:
    return {"type": kind, "index": index}


def test_triggered_context_is_that_of_the_request(twins: Twins) -> None:
    @twins.callback(OUT, IN, STATE)
    def look(_value: int, _state: int) -> Any:
        return describe(NAMES + LISTS)

    plain, long = twins.ask(
        item(OUT),
        [item(IN, 3)],
        [item(STATE, 4)],
        triggered=["in.value"],
        query="?page=1&page=2",
        cookie="A",
        headers={"Origin": "http://elsewhere", "X-Mine": "yes"},
    )
    assert long.value() == plain.value()
    assert "'value': 3" in long.value()["triggered"]
    assert "X-Mine" in long.value()["headers"]


def test_context_of_an_initial_call_is_not_triggered(twins: Twins) -> None:
    @twins.callback(OUT, IN)
    def look(_value: int) -> Any:
        return describe(NAMES + LISTS)

    plain, long = twins.ask(item(OUT), [item(IN, 3)])
    assert long.value() == plain.value()
    assert long.value()["falsy"] == "True"


def test_groupings_are_those_of_the_signature(twins: Twins) -> None:
    other = Output("other", "children")
    second = Input("second", "value")

    @twins.callback(
        output={"a": OUT, "b": [other]},
        inputs={"x": IN, "y": {"z": STATE, "w": second}},
    )
    def look(x: int, y: dict[str, int]) -> Any:
        assert ctx.args_grouping.y.w.triggered
        return {"a": describe(NAMES), "b": [[x, y]]}

    plain, long = twins.ask(
        [item(OUT), item(other)],
        [item(IN, 3), item(second, 5)],
        [item(STATE, 4)],
        triggered=["second.value"],
    )
    assert long == plain
    assert long.value("other") == [3, {"z": 4, "w": 5}]


def test_patterns_are_what_they_match(twins: Twins) -> None:
    @twins.callback(
        Output(wild("out", MATCH), "children"),
        Input(wild("in", MATCH), "value"),
        Input(wild("in", ALLSMALLER), "value"),
        State(wild("state", ALL), "value"),
    )
    def look(*_: Any) -> Any:
        return describe(NAMES + LISTS)

    plain, long = twins.ask(
        item(Output(wild("out", 2), "children")),
        [
            item(Input(wild("in", 2), "value"), 3),
            [item(Input(wild("in", index), "value"), index) for index in (0, 1)],
        ],
        [[item(State(wild("state", 7), "value"), 9)]],
        triggered=['{"index":2,"type":"in"}.value'],
    )
    assert long == plain
    assert plain.error is None


@pytest.mark.skipif(
    not hasattr(type(ctx), "args"), reason="this version of Dash has no ctx.args"
)
def test_query_is_a_dictionary_of_texts(twins: Twins) -> None:
    @twins.callback(OUT, IN)
    def look(_value: int) -> Any:
        return [ctx.args.get("page"), ctx.args["page"], "none" in ctx.args]

    plain, long = twins.ask(item(OUT), [item(IN)], query="?page=one")
    assert plain.value() == ["one", "one", False]
    assert long.value() == plain.value()


def test_custom_data_of_a_hook(twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    # A hook holds for every app: remove it after the test.
    hooks = dash.hooks._ns["custom_data"]
    monkeypatch.setitem(dash.hooks._ns, "custom_data", list(hooks))

    @dash.hooks.custom_data("tenant")  # type: ignore[untyped-decorator]
    def tenant(context: Any) -> Any:
        return {"name": f"tenant of {context.cookies['user']}", "of": [1, None]}

    @twins.callback(OUT, IN)
    def look(_value: int) -> Any:
        return [ctx.custom_data, ctx.custom_data.tenant, type(ctx.custom_data).__name__]

    plain, long = twins.ask(item(OUT), [item(IN)], cookie="A")
    assert long == plain
    assert long.value()[1]["name"] == "tenant of A"


def test_users_of_the_same_arguments_get_their_own_results(twins: Twins) -> None:
    @twins.callback(OUT, IN)
    def whose(_value: int) -> Any:
        return ctx.cookies["user"]

    request = (item(OUT), [item(IN, 1)])
    users = ["A", "B"] * 5
    started = [twins.start(*request, cookie=user) for user in users]
    assert [twins.follow(*job).value() for job in started] == users


def test_context_variables_reach_what_the_function_calls(twins: Twins) -> None:
    @twins.callback(OUT, IN)
    async def look(value: int) -> Any:
        variable = contextvars.ContextVar("variable", default="default")

        async def inner() -> list[Any]:
            return [variable.get(), ctx.triggered_id]

        before = await inner()
        variable.set(f"set to {value}")
        in_thread = await asyncio.to_thread(lambda: [variable.get(), ctx.triggered_id])
        return [before, *await asyncio.gather(inner(), inner()), in_thread]

    long = twins.ask_long(item(OUT), [item(IN, 3)], triggered=["in.value"])
    assert long.value() == [["default", "in"], *[["set to 3", "in"]] * 3]
