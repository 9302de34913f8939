"""A page gets each yielded value while the function runs, in order and once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dash
import pytest
from dash import Input, Output, Patch, State, html, no_update
from dash.exceptions import PreventUpdate

from dash_long_components.core.calls import Caching, Call
from dash_long_components.core.reports import Report
from dash_long_components.core.status import Status
from dash_long_components.core.updates import PropUpdate
from dash_long_components.exceptions import JobEndedError
from dash_long_components.running import runtime
from dash_long_components.running.outcome import Outcome
from tests.unit.fakes import JOB, Site, out, prop

TEXT = Output("text", "children")


class Run:
    """Runs a generator function as a job, and notes what arrives of it."""

    def __init__(self) -> None:
        self.site = Site()
        self.updates: list[PropUpdate] = []
        self.is_wanted = True

    def __call__(
        self,
        function: Callable[..., Any],
        output: Any = TEXT,
        request: Any = None,
        **options: Any,
    ) -> Outcome:
        dependencies = [output] if output else []
        self.site.long_callback(*dependencies, Input("i", "value"), **options)(function)
        self.site.trigger(
            request or (out("text", "children") if output else []),
            # Without Outputs the first Input is there twice.
            [prop("i", "value", 1)] * (1 if output else 2),
            callback_id=None if output else next(iter(self.callbacks())),
        )
        submitted = self.site.manager.submitted[-1]
        call = replace(
            Call.from_json(submitted.call.to_json()), caching=Caching(key="key")
        )
        return runtime.run(submitted.task, call, JOB, self.write, interval=0.001)

    def callbacks(self) -> Any:
        client = self.site.app.server.test_client()
        found = client.get("/_dash-dependencies").get_json()
        return [each["output"] for each in found]

    def write(self, report: Report) -> None:
        if not self.is_wanted:
            raise JobEndedError
        self.updates += report.props

    @property
    def values(self) -> list[Any]:
        return [update[2] for update in self.updates]


@pytest.fixture
def run() -> Run:
    return Run()


def result_of(outcome: Outcome) -> Any:
    assert outcome.status is Status.SUCCEEDED, outcome.error
    return json.loads(outcome.result or b"{}").get("response", {})


def test_yields_are_sent_in_order_and_the_last_one_is_the_result(run: Run) -> None:
    def count(value: Any) -> Any:
        yield value
        yield 2
        yield None

    outcome = run(count)
    assert run.updates == [["text", "children", value] for value in (1, 2, None)]
    # They have arrived: nothing is left to be set once more.
    assert result_of(outcome) == {}


def test_async_generator_is_sent_too(run: Run) -> None:
    async def count(value: Any) -> Any:
        yield value
        await asyncio.sleep(0)
        yield 2

    outcome = run(count)
    assert run.values == [1, 2]
    assert result_of(outcome) == {}


def test_yield_is_sent_while_the_function_runs(run: Run) -> None:
    seen: list[Any] = []

    def count(_: Any) -> Any:
        yield 1
        while not run.values:
            pass
        seen.extend(run.values)
        yield 2

    run(count)
    assert seen == [1]


def test_value_that_is_returned_is_the_result(run: Run) -> None:
    def count(_: Any) -> Any:
        yield "begun"
        return "done"

    assert result_of(run(count)) == {"text": {"children": "done"}}
    assert run.values == ["begun"]


def test_yields_come_in_the_grouping_of_the_outputs(run: Run) -> None:
    def count(_: Any) -> Any:
        yield {"a": 1, "b": [2, no_update]}
        yield {"a": no_update, "b": [no_update, html.B("bold")]}
        yield no_update

    outputs = {
        "a": Output("a", "children"),
        "b": [Output("b", "children"), Output("c", "children")],
    }
    ids = ("a", "b", "c")
    request = [out(name, "children") for name in ids]
    names = "...".join(f"{name}.children" for name in ids)
    run.site.long_callback(output=outputs, inputs=[Input("i", "value")])(count)
    run.site.trigger(request, [prop("i", "value", 1)], callback_id=f"..{names}..")
    submitted = run.site.manager.submitted[-1]
    runtime.run(submitted.task, submitted.call, JOB, run.write, interval=0.001)
    assert run.updates[:2] == [["a", "children", 1], ["b", "children", 2]]
    assert run.updates[2][:2] == ["c", "children"]
    assert run.updates[2][2]["type"] == "B"
    assert len(run.updates) == 3


def test_patches_are_sent_as_they_are(run: Run) -> None:
    def count(_: Any) -> Any:
        yield ""
        for word in ("a", "b"):
            patch = Patch()
            patch += word
            yield patch

    run(count)
    assert run.values[0] == ""
    assert [value["operations"][0]["params"] for value in run.values[1:]] == [
        {"value": "a"},
        {"value": "b"},
    ]


@pytest.mark.parametrize("several", [False, True])
def test_patch_that_is_yielded_again_is_refused(run: Run, several: bool) -> None:
    def count(_: Any) -> Any:
        patch = Patch()
        for word in ("a", "b"):
            patch += word
            yield [patch, no_update] if several else patch

    outputs = [TEXT, Output("text", "title")] if several else TEXT
    request = [out("text", "children"), out("text", "title")] if several else None
    outcome = run(count, outputs, request)
    assert outcome.error
    assert "Make a new Patch for every yield" in outcome.error.message


def test_function_gets_set_progress_and_its_other_arguments(run: Run) -> None:
    def count(set_progress: Any, value: Any) -> Any:
        set_progress(0.5)
        yield value
        dash.set_props("other", {"children": dash.ctx.triggered_id})
        yield value + 1

    run(count)
    assert run.updates == [
        ["text", "children", 1],
        ["other", "children", None],
        ["text", "children", 2],
    ]


def test_dict_inputs_come_by_keyword(run: Run) -> None:
    def count(a: Any, b: Any) -> Any:
        yield [a, b]

    run.site.long_callback(
        output=TEXT, inputs={"a": Input("i", "value")}, state={"b": State("j", "value")}
    )(count)
    run.site.trigger(
        out("text", "children"), [prop("i", "value", 1)], [prop("j", "value", 2)]
    )
    submitted = run.site.manager.submitted[-1]
    runtime.run(submitted.task, submitted.call, JOB, run.write)
    assert run.values == [[1, 2]]


def test_function_without_outputs_yields_nothing(run: Run) -> None:
    def work(_: Any) -> Any:
        yield
        dash.set_props("text", {"children": "x"})
        yield

    outcome = run(work, None)
    assert outcome.status is Status.SUCCEEDED
    assert run.updates == [["text", "children", "x"]]


def test_yield_that_does_not_fit_the_outputs_fails_the_job(run: Run) -> None:
    ended = []

    def count(_: Any) -> Any:
        try:
            yield object()
        finally:
            ended.append(True)

    outcome = run(count)
    assert outcome.status is Status.FAILED
    assert outcome.error
    assert outcome.error.type == "InvalidCallbackReturnValue"
    assert ended == [True]


def test_error_keeps_what_was_sent(run: Run) -> None:
    def count(_: Any) -> Any:
        yield 1
        raise KeyError("x")

    outcome = run(count)
    assert outcome.error
    assert outcome.error.type == "KeyError"
    assert run.values == [1]


def test_handled_error_is_the_result(run: Run) -> None:
    def count(_: Any) -> Any:
        yield 1
        raise KeyError("x")

    outcome = run(count, on_error=lambda error: f"sorry: {error}")
    assert run.values == [1]
    assert result_of(outcome) == {"text": {"children": "sorry: 'x'"}}


def test_prevent_update_keeps_what_was_sent(run: Run) -> None:
    def count(_: Any) -> Any:
        yield 1
        raise PreventUpdate

    outcome = run(count)
    assert (outcome.status, outcome.result) == (Status.SUCCEEDED, None)
    assert run.values == [1]


def test_function_that_yields_nothing_changes_nothing(run: Run) -> None:
    def count(_: Any) -> Any:
        yield from ()

    assert result_of(run(count)) == {}
    assert run.updates == []


def test_cancelled_job_ends_between_yields_that_send_nothing(run: Run) -> None:
    def work(_: Any) -> Any:
        dash.set_props("other", {"children": 1})
        while True:
            yield no_update

    run.is_wanted = False
    assert run(work).status is Status.CANCELLED


def kept_of(outcome: Outcome) -> Any:
    return json.loads(outcome.cacheable)["response"] if outcome.cacheable else None


def test_last_values_are_cached(run: Run) -> None:
    def count(_: Any) -> Any:
        yield 1, 2
        yield 3, no_update

    outputs = [Output("a", "children"), Output("b", "children")]
    request = [out("a", "children"), out("b", "children")]
    run.site.long_callback(outputs, Input("i", "value"))(count)
    run.site.trigger(request, [prop("i", "value", 1)])
    submitted = run.site.manager.submitted[-1]
    call = replace(submitted.call, caching=Caching(key="key"))
    outcome = runtime.run(submitted.task, call, JOB, run.write)
    assert kept_of(outcome) == {"a": {"children": 3}, "b": {"children": 2}}
    assert result_of(outcome) == {}


def test_returned_value_is_cached_with_them(run: Run) -> None:
    def count(_: Any) -> Any:
        patch = Patch()
        patch += "begun"
        yield patch
        return "done"

    assert kept_of(run(count)) == {"text": {"children": "done"}}


def test_stream_with_a_patch_is_not_cached(run: Run) -> None:
    def count(_: Any) -> Any:
        yield "a"
        patch = Patch()
        patch += "b"
        yield patch

    assert kept_of(run(count)) is None


@pytest.mark.parametrize("how", ["nothing", "no_update", "error"])
def test_stream_without_a_value_is_not_cached(run: Run, how: str) -> None:
    def count(_: Any) -> Any:
        if how != "nothing":
            yield no_update
        if how == "error":
            raise KeyError

    assert kept_of(run(count, on_error=lambda _: "handled")) is None


@pytest.mark.parametrize("is_async", [False, True])
def test_cancelled_job_ends_between_two_yields(run: Run, is_async: bool) -> None:
    ended: list[bool] = []

    def count(_: Any) -> Any:
        try:
            while True:
                yield 1
                run.is_wanted = False
        finally:
            ended.append(True)

    async def count_async(_: Any) -> Any:
        try:
            while True:
                yield 1
                run.is_wanted = False
        finally:
            ended.append(True)

    assert run(count_async if is_async else count).status is Status.CANCELLED
    assert ended == [True]
