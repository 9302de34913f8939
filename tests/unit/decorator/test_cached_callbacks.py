"""Callbacks with a cache: hits, keys, and results that are never cached."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dash
import flask
import pytest
from dash import ALL, Input, Output, Patch, html
from dash.development.base_component import ComponentRegistry
from dash.exceptions import PreventUpdate

from dash_long_components.core.caching import CachedResult
from dash_long_components.managers.memory.manager import MemoryLongCallbackManager
from tests.unit.fakes import Site, handle_of, out, prop

INPUT = Input("i", "value")
A, B, C = (Output(name, "children") for name in "abc")
ROW = {"type": "row", "index": 1}


class CachedSite(Site):
    """A site whose jobs run within the request, and whose results are cached."""

    def __init__(self, cache_by: Any = (), **options: Any) -> None:
        super().__init__()
        self.cached = MemoryLongCallbackManager(cache_by=cache_by, inline=True)
        self.runs = 0

    def add(self, *args: Any, function: Callable[..., Any], **options: Any) -> None:
        """Add a callback that counts its runs."""

        def count(*values: Any, **named: Any) -> Any:
            self.runs += 1
            return function(*values, **named)

        self.long_callback(*args, manager=self.cached, **options)(count)

    def ask(self, outputs: Any = None, *values: Any, **more: Any) -> Any:
        """Trigger it with a value for each Input; return Dash's answer."""
        names = [f"i{at or ''}" for at in range(len(values or (1,)))]
        inputs = [
            prop(name, "value", value)
            for name, value in zip(names, values or (1,), strict=True)
        ]
        response = self.trigger(
            outputs or out("a", "children"), inputs, changed=["i.value"], **more
        )
        assert response.status_code == 200, response.get_data()
        return response

    def result_of(self, response: Any) -> Any:
        """Return what a job has returned, as the page gets it."""
        token = handle_of(response)["token"]
        answer = self.post("_dash-long-jobs/poll", [[token, 0]]).get_json()
        return answer["jobs"]["0"]["result"]["response"]


@pytest.fixture
def site() -> Iterator[CachedSite]:
    site = CachedSite()
    yield site
    site.cached.close()


def outs(names: str) -> list[dict[str, Any]]:
    return [out(name, "children") for name in names]


@pytest.mark.parametrize(
    ("output", "sent", "value"),
    [
        (A, out("a", "children"), 5),
        (A, out("a", "children"), [5]),
        (A, out("a", "children"), html.B("bold")),
        (A, out("a", "children"), {"a": [1, None]}),
        ([A], outs("a"), [5]),
        ([A, B], outs("ab"), [None, ""]),
        ([A, B], outs("ab"), ([1, 2], {"x": 1})),
        ({"x": A, "y": B}, outs("ab"), {"y": 2, "x": 1}),
        ([A, [B, C]], outs("abc"), [1, (2, [3])]),
        ({"x": [A, B], "y": C}, outs("abc"), {"x": [1, 2], "y": 3}),
        (
            Output({"type": "row", "index": ALL}, "children"),
            [out(ROW, "children"), out({**ROW, "index": 2}, "children")],
            ["one", "two"],
        ),
        (
            [A, Output({"type": "row", "index": ALL}, "children")],
            [out("a", "children"), [out(ROW, "children")]],
            [1, ["one"]],
        ),
    ],
)
def test_hit_returns_the_result_of_the_job_in_any_grouping(
    site: CachedSite, output: Any, sent: Any, value: Any
) -> None:
    site.add(output, INPUT, function=lambda _: value)
    (name,) = site.app.callback_map
    job = site.result_of(site.ask(sent, callback_id=name))
    answer = site.ask(sent, callback_id=name).get_json()
    assert answer["response"] == job
    assert site.runs == 1


def test_handle_of_a_hit_names_no_job(site: CachedSite) -> None:
    site.add(A, INPUT, function=lambda value: value)
    site.ask()
    handle = handle_of(site.ask())
    assert handle["token"] is None
    assert handle["cached"].keys() == {"duration", "age"}
    assert handle["outputs"] == [["a", "children"]]


def test_patch_is_cached(site: CachedSite) -> None:
    def change(_: object) -> Patch:
        patch = Patch()
        patch.append(1)
        return patch

    site.add(A, INPUT, function=change)
    site.ask()
    value = site.ask().get_json()["response"]["a"]["children"]
    assert value["__dash_patch_update"]


@pytest.mark.parametrize(
    "value", [dash.no_update, [dash.no_update, 1], [1, dash.no_update]]
)
def test_no_update_is_not_cached(site: CachedSite, value: Any) -> None:
    site.add([A, B], INPUT, function=lambda _: value)
    for number in range(1, 3):
        site.ask(outs("ab"))
        assert site.runs == number


def fail(_: object) -> Any:
    raise KeyError("x")


def prevent(_: object) -> Any:
    raise PreventUpdate


@pytest.mark.parametrize("function", [fail, prevent])
def test_failure_is_not_cached(site: CachedSite, function: Any) -> None:
    site.add(A, INPUT, function=function)
    for number in range(1, 3):
        site.ask()
        assert site.runs == number


def test_value_of_an_error_handler_is_not_cached(site: CachedSite) -> None:
    site.add(A, INPUT, function=fail, on_error=lambda error: str(error))
    for number in range(1, 3):
        response = site.ask()
        assert site.result_of(response) == {"a": {"children": "'x'"}}
        assert site.runs == number


def test_unused_error_handler_does_not_prevent_caching(
    site: CachedSite,
) -> None:
    site.add(A, INPUT, function=lambda v: v, on_error=lambda error: str(error))
    site.ask()
    site.ask()
    assert site.runs == 1


def test_callback_without_outputs_runs_every_time(site: CachedSite) -> None:
    site.add(Input("only", "value"), function=lambda _: None)
    (name,) = site.app.callback_map
    for number in range(1, 3):
        site.trigger(None, [prop("only", "value", 1)] * 2, callback_id=name)
        assert site.runs == number


def test_job_of_a_callback_without_outputs_can_not_be_joined() -> None:
    site = Site()
    site.manager.cache_by = []
    site.long_callback(Input("one", "value"))(prevent)
    (name,) = site.app.callback_map
    site.trigger(None, [prop("one", "value", 1)] * 2, callback_id=name)
    assert site.manager.submitted[-1].call.caching is None


def test_nothing_is_cached_without_cache_by() -> None:
    site = CachedSite(cache_by=None)
    site.add(A, INPUT, function=lambda value: value)
    for number in range(1, 3):
        site.ask()
        assert site.runs == number


def test_functions_of_cache_by_see_the_request() -> None:
    site = CachedSite(cache_by=lambda: flask.request.args["a"])
    site.add(A, INPUT, function=lambda value: value)
    site.ask()
    site.ask()
    assert site.runs == 1


def test_functions_of_cache_by_are_called_every_time() -> None:
    numbers = iter(range(10))
    site = CachedSite(cache_by=[lambda: "same", lambda: next(numbers) // 2])
    site.add(A, INPUT, function=lambda value: value)
    for _ in range(4):
        site.ask()
    assert site.runs == 2


def test_arguments_by_name_and_by_index(site: CachedSite) -> None:
    by_name = {
        "inputs": {"x": INPUT, "y": Input("i1", "value")},
        "output": A,
    }
    site.add(function=lambda **_: 1, cache_args_to_ignore="x", **by_name)
    site.ask(None, 1, 2)
    site.ask(None, 5, 2)
    assert site.runs == 1
    site.ask(None, 5, 3)
    assert site.runs == 2


@pytest.mark.parametrize("ignored", [0, [0], (0,), {0}])
def test_first_argument_may_be_ignored(site: CachedSite, ignored: Any) -> None:
    site.add(
        A,
        INPUT,
        Input("i1", "value"),
        function=lambda *_: 1,
        cache_args_to_ignore=ignored,
    )
    site.ask(None, 1, 2)
    site.ask(None, 5, 2)
    assert site.runs == 1
    site.ask(None, 5, 3)
    assert site.runs == 2


def test_argument_of_several_inputs_is_ignored_as_a_whole(site: CachedSite) -> None:
    site.add(
        output=A,
        inputs=[[INPUT, Input("i1", "value")], Input("i2", "value")],
        function=lambda *_: 1,
        cache_args_to_ignore=0,
    )
    site.ask(None, 1, 2, 3)
    site.ask(None, 4, 5, 3)
    assert site.runs == 1
    site.ask(None, 4, 5, 6)
    assert site.runs == 2


@pytest.mark.parametrize("nothing", [None, (), [], set()])
def test_ignored_arguments_may_be_empty(site: CachedSite, nothing: Any) -> None:
    site.add(A, INPUT, function=lambda _: 1, cache_args_to_ignore=nothing)
    site.ask(None, 1)
    site.ask(None, 2)
    assert site.runs == 2


@pytest.mark.parametrize("wrong", [2, -1, True, "x", [0, "x"], 0.0, [[0]], {"a": 1}])
def test_unknown_index_is_refused_with_the_known_ones(
    site: CachedSite, wrong: Any
) -> None:
    with pytest.raises(ValueError, match=r"cache_args_to_ignore= takes .* \(0, 1\)"):
        site.add(A, INPUT, INPUT, function=fail, cache_args_to_ignore=wrong)


@pytest.mark.parametrize("wrong", [0, "z", ["x", 1]])
def test_unknown_name_is_refused_with_the_known_ones(
    site: CachedSite, wrong: Any
) -> None:
    with pytest.raises(ValueError, match=r"cache_args_to_ignore= .*\('x', 'y'\)"):
        site.add(
            output=A,
            inputs={"x": INPUT, "y": INPUT},
            function=fail,
            cache_args_to_ignore=wrong,
        )


def test_similar_option_of_dash_is_suggested(site: CachedSite) -> None:
    with pytest.raises(
        TypeError, match=r"no cache_args_to_skip=\. Did you mean cache_args_to_ignore="
    ):
        site.add(A, INPUT, function=fail, cache_args_to_skip=[0])


def test_key_has_the_triggers_on_demand(site: CachedSite) -> None:
    with pytest.raises(ValueError, match="cache_ignore_triggered= takes True or False"):
        site.add(A, INPUT, function=fail, cache_ignore_triggered=None)
    site.add(A, INPUT, function=lambda _: 1, cache_ignore_triggered=False)
    site.trigger(out("a", "children"), [prop("i", "value", 1)], changed=["i.value"])
    site.trigger(out("a", "children"), [prop("i", "value", 1)], changed=[])
    assert site.runs == 2
    site.trigger(out("a", "children"), [prop("i", "value", 1)], changed=[])
    assert site.runs == 2


def test_libraries_of_a_hit_come_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "browser" / "apps")
    monkeypatch.setattr(ComponentRegistry, "registry", {*ComponentRegistry.registry})
    monkeypatch.delitem(sys.modules, "late_library", raising=False)
    site = Site()
    site.long_callback(A, INPUT)(fail)
    response = {"multi": True, "response": {"a": {"children": 1}}}
    cached = CachedResult(
        response=json.dumps(response).encode(),
        libraries=("late_library",),
        duration=1.0,
        written=0.0,
    )
    monkeypatch.setattr(site.manager, "cache_by", [])
    monkeypatch.setattr(site.manager, "submit", lambda *_: cached)
    answer = site.trigger(out("a", "children"), [prop("i", "value", 1)])
    assert answer.status_code == 200
    assert answer.get_json()["response"] == response["response"]
    (file,) = answer.get_json()["dist"]
    assert file["type"] == "_js_dist"
    assert "late_library" in file["url"]
    monkeypatch.delitem(sys.modules, "late_library")
