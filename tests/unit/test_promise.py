"""Each row of docs/promise.md has tests, and they measure the time that it says."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.promises import Row, promised, rows, seconds_of

ROOT = Path(__file__).parent.parent.parent

#: Says that the outcome of a row does not depend on time.
TIMELESS = "always"


@cache
def measurements() -> dict[str, list[ast.Call]]:
    """Return the calls of ``promised`` in each test, by the name of its function."""
    found: dict[str, list[ast.Call]] = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.setdefault(node.name, []).extend(_calls(node))
    return found


def _calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Name(id="promised"), args=[_, *_]):
                yield node


def _bounds(call: ast.Call) -> Iterator[str]:
    for part in ast.walk(call.args[0]):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


@cache
def bounds_by_test() -> dict[str, set[str]]:
    """Return the bounds that each test measures, by the name of its function."""
    return {
        test: {bound for call in calls for bound in _bounds(call)}
        for test, calls in measurements().items()
    }


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row.event)
def test_tests_of_a_row_measure_its_bound(row: Row) -> None:
    assert row.tests
    measured = bounds_by_test()
    for test in row.tests:
        assert test in measured
        if row.bound != TIMELESS:
            assert row.bound in measured[test], (test, measured[test])


def test_every_bound_that_a_test_measures_is_in_a_row() -> None:
    promises = {(test, row.bound) for row in rows() for test in row.tests}
    own = {name for name in globals() if name.startswith("test_")}
    for test, bounds in bounds_by_test().items():
        if test not in own:
            assert {(test, bound) for bound in bounds} <= promises


def test_time_of_a_start_is_measured_too() -> None:
    """A generous ``start=`` would make any bound that has it a weak one."""
    found = 0
    for test, calls in measurements().items():
        for call in calls:
            for given in call.keywords:
                if given.arg == "start":
                    found += 1
                    value = ast.unparse(given.value)
                    assert value == "0.0" or value.endswith(".start_time"), test
    assert found > 5


def test_bound_is_a_sum_of_seconds() -> None:
    assert seconds_of("2 s") == 2.0
    assert seconds_of("1.5 × timeout + lease + 3 s", timeout=2.0, lease=0.5) == 6.5


@pytest.mark.parametrize("bound", ["soon", "2", "2 min", "timeout - 1 s", "", "always"])
def test_anything_else_is_no_bound(bound: str) -> None:
    with pytest.raises((ValueError, KeyError)):
        seconds_of(bound)


def test_block_that_takes_too_long_fails() -> None:
    times = iter([100.0, 103.5, 200.0, 203.6])
    with promised("timeout + 2 s", clock=times.__next__, timeout=1.5):
        pass
    with (
        pytest.raises(AssertionError, match=r"It took 3\.60 s"),
        promised("timeout + 2 s", clock=times.__next__, timeout=1.5),
    ):
        pass
