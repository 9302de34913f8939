"""A function runs in a job as in an ordinary callback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import dash
import pytest
from dash import ALL, MATCH, Input, Output, Patch, State, ctx, html, no_update
from dash.exceptions import PreventUpdate

from dash_long_components.bridge.internals import to_json_data
from dash_long_components.core.calls import Call
from dash_long_components.core.reports import Report
from dash_long_components.core.status import Status
from dash_long_components.running import runtime
from tests.unit.fakes import JOB, Site, out, prop, values_of


@pytest.fixture
def site() -> Site:
    return Site()


def describe_context() -> str:
    """Return all that ``ctx`` tells, as JSON."""
    seen = {
        name: getattr(ctx, name)
        for name in (
            *("inputs", "states", "triggered", "triggered_prop_ids", "triggered_id"),
            *("args_grouping", "outputs_grouping", "outputs_list", "inputs_list"),
            *("states_list", "using_args_grouping", "using_outputs_grouping"),
            *("cookies", "headers", "path", "remote", "origin", "custom_data"),
        )
    }
    seen["is triggered"] = bool(ctx.triggered)
    return json.dumps(to_json_data(seen), sort_keys=True)


ONE = {"type": "x", "index": 1}
TWO = {"type": "x", "index": 2}

#: Dependencies, and what a page sends for them.
CALLS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "single": (
        {"output": Output("{}", "children"), "inputs": Input("i", "value")},
        {"inputs": [prop("i", "value", 1)], "changed": ["i.value"]},
    ),
    "list": (
        {
            "output": Output("{}", "children"),
            "inputs": [Input("i", "value"), Input("j", "value")],
            "state": [State("s", "value")],
        },
        {
            "inputs": [prop("i", "value", 1), prop("j", "value", None)],
            "state": [prop("s", "value", [1, "x"])],
            "changed": ["j.value"],
        },
    ),
    "nothing triggered": (
        {"output": Output("{}", "children"), "inputs": [Input("i", "value")]},
        {"inputs": [prop("i", "value", 0)], "changed": []},
    ),
    "dict": (
        {
            "output": Output("{}", "children"),
            "inputs": {"a": Input("i", "value"), "b": [Input("j", "value")]},
            "state": {"c": State("s", "value")},
        },
        {
            "inputs": [prop("i", "value", 1), prop("j", "value", 2)],
            "state": [prop("s", "value", 3)],
            "changed": ["i.value", "j.value"],
        },
    ),
    "pattern": (
        {
            "output": Output("{}", "children"),
            "inputs": [Input({"type": "x", "index": ALL}, "value")],
            "state": [State({"type": "x", "index": ALL}, "id")],
        },
        {
            "inputs": [[prop(ONE, "value", 1), prop(TWO, "value", 2)]],
            "state": [[prop(ONE, "id", ONE), prop(TWO, "id", TWO)]],
            "changed": ['{"index":2,"type":"x"}.value'],
        },
    ),
    "pattern that nothing matches": (
        {
            "output": Output("{}", "children"),
            "inputs": [Input({"type": "x", "index": ALL}, "value")],
        },
        {"inputs": [[]], "changed": []},
    ),
}


@pytest.mark.filterwarnings("ignore:.*_list is deprecated:DeprecationWarning")
@pytest.mark.parametrize("call", CALLS)
def test_context_equals_that_of_an_ordinary_callback(site: Site, call: str) -> None:
    dependencies, request = CALLS[call]

    def report(*_args: Any, **_kwargs: Any) -> str:
        return describe_context()

    def of(name: str) -> dict[str, Any]:
        return {**dependencies, "output": Output(name, "children")}

    site.app.callback(**of("here"))(report)
    site.long_callback(**of("away"))(report)
    here = site.trigger(out("here", "children"), **request).get_json()
    there = values_of(site.submit(out("away", "children"), **request).run())
    expected = here["response"]["here"]["children"]
    # The engine of the page adds nothing that a callback may see.
    found = there["response"]["away"]["children"]
    seen, wanted = json.loads(found), json.loads(expected.replace("here", "away"))
    for differing in ("Content-Length",):
        seen["headers"].pop(differing)
        wanted["headers"].pop(differing)
    assert seen == wanted
    assert seen["cookies"] == {"user": "ada"}


@pytest.mark.skipif(not hasattr(type(ctx), "args"), reason="Dash 3 has no ctx.args")
def test_query_arguments_are_read_as_in_an_ordinary_callback(site: Site) -> None:
    outcome = Run(site)(lambda _: ctx.args.get("a"))
    assert values_of(outcome)["response"] == {"text": {"children": "1"}}


@pytest.mark.parametrize("call", CALLS)
def test_function_gets_the_arguments_of_an_ordinary_one(site: Site, call: str) -> None:
    dependencies, request = CALLS[call]

    def show(*args: Any, **kwargs: Any) -> str:
        return repr((args, kwargs))

    def of(name: str) -> dict[str, Any]:
        return {**dependencies, "output": Output(name, "children")}

    site.app.callback(**of("here"))(show)
    site.long_callback(**of("away"))(show)
    here = site.trigger(out("here", "children"), **request).get_json()
    there = values_of(site.submit(out("away", "children"), **request).run())
    assert there["response"]["away"] == here["response"]["here"]


class Run:
    """A long callback with one Output and one Input, run in this process."""

    def __init__(self, site: Site, **options: Any) -> None:
        self.site = site
        self.options = options
        self.written: list[Report] = []

    def __call__(self, function: Any, output: Any = None, request: Any = None) -> Any:
        output = output or Output("text", "children")
        self.site.long_callback(output, Input("i", "value"), **self.options)(function)
        submitted = self.site.submit(
            request or out("text", "children"), [prop("i", "value", 1)], **{}
        )
        call = Call.from_json(submitted.call.to_json())
        return runtime.run(submitted.task, call, JOB, self.written.append)


@pytest.mark.parametrize("value", [None, 0, "", [], False, {}, 1.5])
def test_falsy_values_are_results(site: Site, value: Any) -> None:
    outcome = Run(site)(lambda _: value)
    assert values_of(outcome)["response"] == {"text": {"children": value}}


def test_components_and_patches_are_results(site: Site) -> None:
    def both(_: Any) -> Any:
        patch = Patch()
        patch["a"] = 1
        return html.B("bold"), patch

    outputs = [Output("text", "children"), Output("text", "style")]
    request = [out("text", "children"), out("text", "style")]
    response = values_of(Run(site)(both, outputs, request))["response"]["text"]
    assert response["children"]["type"] == "B"
    assert response["style"]["operations"]


def test_prevent_update_changes_nothing(site: Site) -> None:
    def prevent(_: Any) -> None:
        raise PreventUpdate

    outcome = Run(site)(prevent)
    assert (outcome.status, outcome.result) == (Status.SUCCEEDED, None)


def test_no_update_leaves_its_output_unchanged(site: Site) -> None:
    outputs = [Output("a", "children"), Output("b", "children")]
    request = [out("a", "children"), out("b", "children")]
    outcome = Run(site)(lambda _: (no_update, 0), outputs, request)
    assert values_of(outcome)["response"] == {"b": {"children": 0}}


def test_no_update_of_all_outputs_changes_nothing(site: Site) -> None:
    outcome = Run(site)(lambda _: no_update)
    assert outcome.status is Status.SUCCEEDED
    assert not (values_of(outcome) or {}).get("response")


@pytest.mark.parametrize("value", [(1,), (1, 2, 3), 5, None])
def test_wrong_number_of_values_is_an_error(site: Site, value: Any) -> None:
    outputs = [Output("a", "children"), Output("b", "children")]
    request = [out("a", "children"), out("b", "children")]
    outcome = Run(site)(lambda _: value, outputs, request)
    assert outcome.status is Status.FAILED
    assert outcome.error


def test_dict_of_outputs(site: Site) -> None:
    outputs = {"x": Output("a", "children"), "y": Output("b", "children")}
    site.long_callback(output=outputs, inputs={"v": Input("i", "value")})(
        lambda v: {"y": v, "x": "left"}
    )
    request = [out("a", "children"), out("b", "children")]
    outcome = site.submit(request, [prop("i", "value", 7)]).run()
    assert values_of(outcome)["response"] == {
        "a": {"children": "left"},
        "b": {"children": 7},
    }


@pytest.mark.parametrize("value", [object(), {1, 2}, lambda: 0, [object()]])
def test_value_that_is_not_json_serializable_is_an_error(
    site: Site, value: Any
) -> None:
    outcome = Run(site)(lambda _: value)
    assert outcome.status is Status.FAILED
    assert outcome.error
    assert "not JSON serializable" in outcome.error.message


REST = "Return components, figures, numbers, text, or lists and dicts of these."


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": {1}}, f"an object of type set, which is not JSON serializable. {REST}"),
        (
            html.Div([html.P("x"), html.Span(cast("Any", {1}), id="sum")]),
            "an object of type set, which is not JSON serializable. It is in Div > "
            f"[1] Span (id=sum). {REST}",
        ),
        (
            type("DataFrame", (), {"__repr__": lambda self: "   a\n0  1"})(),
            "an object of type DataFrame, which is not JSON serializable. Return "
            'frame.to_dict("records").',
        ),
        (
            {(1, 2): 3},
            "a value that is not JSON serializable: keys must be str, int, float, "
            f"bool or None, not tuple. {REST}",
        ),
    ],
)
def test_error_says_what_is_not_json_serializable_and_where(
    site: Site, caplog: pytest.LogCaptureFixture, value: Any, text: str
) -> None:
    outcome = Run(site)(lambda _: value)
    assert outcome.error
    assert outcome.error.message == f"The function returned {text}"
    assert "Traceback" not in caplog.text, "no line of it is the user's"


def test_error_says_what_was_yielded_and_is_not_json_serializable(site: Site) -> None:
    def run(_: int) -> Iterator[Any]:
        yield {1}

    outcome = Run(site)(run)
    assert outcome.error
    assert outcome.error.message.startswith(
        "The function yielded an object of type set, which is not JSON serializable."
    )


def test_coroutine_is_run(site: Site) -> None:
    async def later(value: int) -> int:
        return value + 1

    outcome = Run(site)(later)
    assert values_of(outcome)["response"] == {"text": {"children": 2}}


def test_set_props_is_written_while_it_runs(site: Site) -> None:
    run = Run(site)

    def report(_: Any) -> str:
        dash.set_props("a", {"children": "x", "title": None})
        dash.set_props({"type": "t", "index": 1}, {"value": 0})
        return "done"

    outcome = run(report)
    props = [update for report in run.written for update in report.props]
    assert props == [
        ["a", "children", "x"],
        ["a", "title", None],
        [{"type": "t", "index": 1}, "value", 0],
    ]
    # Not a second time with the response, when the user may have changed them.
    assert "sideUpdate" not in values_of(outcome)


def test_patches_of_one_property_stay_apart_and_in_order(site: Site) -> None:
    run = Run(site)

    def report(_: Any) -> None:
        patch = Patch()
        for number in range(3):
            patch.append(number)
            dash.set_props("list", {"children": patch})
            patch = Patch()

    run(report)
    props = [update for report in run.written for update in report.props]
    sent = [update[2]["operations"][0]["params"]["value"] for update in props]
    assert sent == [0, 1, 2]


def test_error_goes_to_on_error_and_its_value_to_the_outputs(site: Site) -> None:
    seen: list[Exception] = []

    def handle(error: Exception) -> str:
        seen.append(error)
        return "sorry"

    def fail(_: Any) -> None:
        raise KeyError("x")

    outcome = Run(site, on_error=handle)(fail)
    assert values_of(outcome)["response"] == {"text": {"children": "sorry"}}
    assert [type(error) for error in seen] == [KeyError]


def test_error_handler_of_the_app_is_the_default() -> None:
    def fail(_: Any) -> None:
        raise KeyError("x")

    site = Site(on_error=lambda _error: "the app is sorry")
    outcome = Run(site)(fail)
    assert values_of(outcome)["response"] == {"text": {"children": "the app is sorry"}}


def test_error_handler_that_fails_is_an_error(site: Site) -> None:
    def worse(_error: Exception) -> None:
        raise RuntimeError("worse")

    def fail(_: Any) -> None:
        raise KeyError("x")

    outcome = Run(site, on_error=worse)(fail)
    assert outcome.status is Status.FAILED
    assert outcome.error
    assert outcome.error.type == "RuntimeError"


def test_match_in_the_outputs(site: Site) -> None:
    site.long_callback(
        Output({"type": "o", "index": MATCH}, "children"),
        Input({"type": "i", "index": MATCH}, "value"),
    )(lambda value: value * 2)
    outcome = site.submit(
        out({"type": "o", "index": 5}, "children"),
        [prop({"type": "i", "index": 5}, "value", 21)],
        callback_id='{"index":["MATCH"],"type":"o"}.children',
    ).run()
    assert values_of(outcome)["response"] == {
        '{"index":5,"type":"o"}': {"children": 42}
    }


def test_output_that_allows_duplicates(site: Site) -> None:
    output = Output("text", "children", allow_duplicate=True)
    site.long_callback(output, Input("i", "value"), prevent_initial_call=True)(
        lambda value: value
    )
    (name,) = (key for key in site.app.callback_map if key.startswith("text.children@"))
    request = out("text", name.split(".")[1])
    outcome = site.submit(request, [prop("i", "value", 3)]).run()
    assert values_of(outcome)["response"] == {"text": {"children": 3}}


def test_second_job_of_a_function_does_not_see_the_first(site: Site) -> None:
    site.long_callback(Output("text", "children"), Input("i", "value"))(
        lambda value: [value, ctx.triggered_id]
    )
    for number in (1, 2):
        outcome = site.submit(
            out("text", "children"), [prop("i", "value", number)], changed=["i.value"]
        ).run()
        assert values_of(outcome)["response"]["text"]["children"] == [number, "i"]
