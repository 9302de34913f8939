"""Equal calls have the same cache key in every process, and other calls another."""

from __future__ import annotations

import datetime
import decimal
import json
import os
import pathlib
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dash_long_components.core import caching
from dash_long_components.core.caching import CachedResult
from dash_long_components.core.calls import Caching, Call
from dash_long_components.core.lanes import Admission, Answer

#: The values that a page can send.
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(st.text(max_size=5), children, max_size=4)
    ),
    max_leaves=10,
)


def call(*values: Any, **changes: Any) -> Call:
    """Return a call with an Input for each value but the last, which is State."""
    items = [
        {"id": f"i-{at}", "property": "value", "value": value}
        for at, value in enumerate(values)
    ]
    context = {
        "outputs": {"id": "out", "property": "children"},
        "inputs": items[:-1],
        "state": items[-1:],
        "triggered": ["i-0.value"],
        "cookies": {"user": "ada"},
    }
    return Call(task="task", fingerprint="source", context={**context, **changes})


def turned(value: Any) -> Any:
    """Return an equal value with every dict in it the other way round."""
    if isinstance(value, dict):
        return {key: turned(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [turned(item) for item in value]
    return value


@given(JSON, JSON)
def test_order_of_dicts_does_not_matter(value: Any, state: Any) -> None:
    one, other = call(value, state), call(turned(value), turned(state))
    assert caching.key_of(one) == caching.key_of(other)


@given(JSON, JSON, JSON)
def test_another_argument_is_another_key(one: Any, other: Any, rest: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    for values in ([one, rest], [other, rest]), ([rest, one], [rest, other]):
        keys = {caching.key_of(call(*each)) for each in values}
        assert len(keys) == (1 if same else 2)


@given(JSON, JSON, JSON)
def test_key_leaves_out_ignored_arguments(one: Any, other: Any, rest: Any) -> None:
    key = caching.key_of(call(one, rest), ignored=[0])
    assert key == caching.key_of(call(other, rest), ignored=[0])
    key = caching.key_of(call(rest, one), ignored=[1])
    assert key == caching.key_of(call(rest, other), ignored=[1])


@given(st.lists(JSON, min_size=1, max_size=4))
def test_key_keeps_arguments_apart(values: list[Any]) -> None:
    assert caching.key_of(call(values, None)) != caching.key_of(call(*values, None))


@pytest.mark.parametrize(
    "change",
    [
        lambda call: replace(call, task="other"),
        lambda call: replace(call, fingerprint="other"),
        lambda call: replace(call, progress=[["bar", "value"]]),
        lambda call: with_context(call, outputs={"id": "b", "property": "children"}),
        lambda call: with_context(call, outputs={"id": "out", "property": "title"}),
    ],
    ids=["task", "source", "progress", "output", "property"],
)
def test_another_callback_is_another_key(change: Callable[[Call], Call]) -> None:
    assert caching.key_of(change(call(1))) != caching.key_of(call(1))


@pytest.mark.parametrize(
    "change",
    [
        lambda call: replace(call, debug=True),
        lambda call: replace(call, function="pickled"),
        lambda call: replace(call, variables={"app:tenant": "north"}),
        lambda call: with_context(call, cookies={"user": "bob"}),
        lambda call: with_context(call, triggered=["i-1.value"]),
    ],
    ids=["debug", "function", "variables", "cookies", "triggered"],
)
def test_key_leaves_out_the_rest_of_the_request(change: Callable[[Call], Call]) -> None:
    assert caching.key_of(change(call(1))) == caching.key_of(call(1))


def with_context(call: Call, **changes: Any) -> Call:
    return replace(call, context={**call.context, **changes})


def test_key_has_the_triggers_on_demand() -> None:
    def key(*triggered: str) -> str:
        return caching.key_of(
            call(1, 2, 3, triggered=list(triggered)), ignore_triggered=False
        )

    assert key("i-0.value") != key("i-1.value")
    assert key("i-0.value", "i-1.value") == key("i-1.value", "i-0.value")


def test_key_has_the_ids_that_all_matches() -> None:
    def rows(*names: str) -> Call:
        items = [{"id": {"row": n}, "property": "value", "value": 1} for n in names]
        return call(None, inputs=[items])

    assert caching.key_of(rows("a", "b")) != caching.key_of(rows("a", "c"))


@given(JSON, JSON)
def test_key_has_the_values_of_cache_by(one: Any, other: Any) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    keys = {caching.key_of(call(1), by=[value]) for value in (one, other)}
    assert len(keys) == (1 if same else 2)
    assert caching.key_of(call(1), by=[]) not in keys


def test_results_that_may_be_stale_have_keys_of_their_own() -> None:
    assert caching.key_of(call(1), has_stale=True) != caching.key_of(call(1))


_KEYS = """
import datetime, decimal, json, pathlib, sys, uuid
from tests.unit.core.test_caching import call
from dash_long_components.core import caching
by = [
    {"b", "a", "c"}, frozenset(map(str, range(20))), uuid.UUID(int=5),
    datetime.date(2020, 1, 2), decimal.Decimal("1.0"), pathlib.PurePosixPath("/a"),
]
print(caching.key_of(call({"b": 1, "a": [2.5, None]}, "ä"), by=by))
"""


def test_key_is_the_same_in_two_interpreters() -> None:
    keys = {
        subprocess.run(
            [sys.executable, "-c", _KEYS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(keys) == 1


# cache_by


@pytest.mark.parametrize(
    "value",
    [
        *(None, 1, "text", [1, {"a": None}], {"b", "a"}, uuid.uuid4()),
        *(datetime.datetime(2020, 1, 2), datetime.date(2020, 1, 2)),
        *(decimal.Decimal("1.5"), pathlib.Path("/somewhere"), float("nan")),
    ],
)
def test_cache_by_may_return(value: Any) -> None:
    assert caching.call_all([lambda: value]) == [value]
    key = caching.key_of(call(1), by=[value])
    assert key == caching.key_of(call(1), by=[value])


@pytest.mark.parametrize(
    "value", [object(), lambda: 1, b"bytes", {1: "a", "b": 2}, [object()]]
)
def test_error_names_the_function_of_cache_by_that_returned_a_wrong_value(
    value: Any,
) -> None:
    def launch_id() -> Any:
        return value

    with pytest.raises(TypeError, match="launch_id, a function of cache_by=, returned"):
        caching.call_all([launch_id])


def test_cache_by_is_a_function_or_a_list() -> None:
    def one() -> int:
        return 1

    assert caching.check_cache_by(None) is None
    assert caching.check_cache_by([]) == []
    assert caching.check_cache_by(one) == [one]
    assert caching.check_cache_by((one, dict)) == [one, dict]


@pytest.mark.parametrize(
    "wrong", [1, "launch", [1], [lambda value: value], {"a": 1}, [None]]
)
def test_anything_else_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="cache_by= takes a function without"):
        caching.check_cache_by(wrong)


# Cached results


@given(JSON)
def test_result_comes_back_from_its_text(value: Any) -> None:
    result = CachedResult(
        response=json.dumps({"ä": value}).encode(),
        libraries=("a", "b"),
        duration=1.5,
        written=1000.25,
    )
    assert CachedResult.from_text(result.to_text()) == result


@pytest.mark.parametrize("text", ["", "{}", "[]\n{}", '{"libraries": 1}\n', "x\ny"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a cached result"):
        CachedResult.from_text(text)


RESULT = CachedResult(response=b"{}", duration=1.0, written=1.0)


@pytest.mark.parametrize(
    ("answer", "answered"),
    [
        (Answer.ENTER, (True, RESULT)),
        (Answer.CANCEL, (True, None)),
        (Answer.IGNORE, (True, None)),
        (Answer.WAIT, (False, None)),
    ],
)
def test_lane_decides_about_a_cached_result(answer: Answer, answered: Any) -> None:
    cached = replace(call(1), caching=Caching(key="key"))
    results = mock.Mock(**{"get.return_value": RESULT})
    pass_by = mock.Mock(return_value=Admission(answer=answer))
    assert caching.answer_from(results, cached, 2.0, pass_by) == answered


@pytest.mark.parametrize("key", [None, "key"])
def test_call_without_a_cached_result_leaves_its_lane_alone(key: str | None) -> None:
    new = replace(call(1), caching=Caching(key=key) if key else None)
    results, pass_by = mock.Mock(**{"get.return_value": None}), mock.Mock()
    assert caching.answer_from(results, new, 2.0, pass_by) == (False, None)
    pass_by.assert_not_called()


# Stale results


def value_at(written: float, value: Any = 1) -> CachedResult:
    response = json.dumps({"response": {"out": {"children": value}}}).encode()
    return CachedResult(response=response, duration=1.0, written=written)


@pytest.mark.parametrize(
    ("age", "state"),
    [
        # The clock of the machine that made it is ahead.
        (-5.0, "fresh"),
        (0.0, "fresh"),
        (9.9, "fresh"),
        (10.0, "stale"),
        (39.9, "stale"),
        (40.0, "expired"),
    ],
)
def test_age_tells_whether_a_result_is_shown(age: float, state: str) -> None:
    result, kept = value_at(1000.0), Caching(key="key", expire=10.0, stale_for=30.0)
    results = mock.Mock(**{"get.return_value": result})
    now = 1000.0 + age
    found = {
        "fresh": caching.find_fresh(results, kept, now),
        "stale": caching.find_stale(results, kept, now),
    }
    assert {name for name, each in found.items() if each} == {state} - {"expired"}
    assert kept.lifetime == 40.0
    assert not kept.is_renewed


@pytest.mark.parametrize("expire", [None, 10.0])
def test_result_is_never_stale_by_default(expire: float | None) -> None:
    result, kept = value_at(0.0), Caching(key="key", expire=expire)
    assert result.is_fresh(kept, 1e9)
    assert not result.is_stale(kept, 1e9)
    assert kept.lifetime == expire
    assert kept.is_renewed == (expire is not None)


def test_patch_is_not_shown_while_it_is_refreshed() -> None:
    patch = {"__dash_patch_update": "__dash_patch_update", "operations": []}
    kept = Caching(key="key", expire=10.0, stale_for=30.0)
    assert value_at(0.0, {"figure": patch}).is_stale(kept, 20.0)
    assert not value_at(0.0, patch).is_stale(kept, 20.0)
