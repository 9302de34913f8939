"""Values of progress become bars, and a page shows some of them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy
import pytest

from dash_long_components.core import bars, texts
from dash_long_components.core.bars import Bar, Bars


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (0, [0, 1, None]),
        (1, [1, 1, None]),
        (0.25, [0.25, 1, None]),
        (Fraction(1, 4), [0.25, 1, None]),
        (numpy.float32(0.25), [0.25, 1, None]),
        (1.0000000002, [1, 1, None]),
        (-0.1, [0, 1, None]),
        ((3, 10), [3, 10, None]),
        ((numpy.int64(3), numpy.int64(10)), [3, 10, None]),
        ([3, 10, "rows"], [3, 10, "rows"]),
        ((3, None, "rows"), [3, None, "rows"]),
        ((3, 10, None), [3, 10, None]),
        ((11, 10), [10, 10, None]),
        ((-1, 10), [0, 10, None]),
        ((0, 0), [0, 0, None]),
        ((1, 2, " of\nmany  words "), [1, 2, "of many words"]),
        ((1, 2, "x" * 500), [1, 2, "x" * texts.MAX_TEXT]),
        ((1, 2, ""), [1, 2, None]),
    ],
)
def test_value_becomes_a_bar(value: Any, sent: Any) -> None:
    bar = Bar.parse(value).to_wire()
    assert bar == sent
    assert {type(item) for item in bar} <= {int, float, str, type(None)}


@pytest.mark.parametrize(
    "value",
    [
        *("0.5", True, {}, {"value": 1}, (), (1,), (1, 2, 3), (1, 2, "a", "b")),
        *(("1", "2"), (None, 2), (True, 2), (1, True), Decimal("0.5"), object()),
    ],
)
def test_value_of_the_wrong_shape_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="takes a number from 0 to 1"):
        Bar.parse(value)


@pytest.mark.parametrize(
    "value",
    [
        *(50, 1.5, float("nan"), float("inf")),
        *((float("nan"), 1), (1, float("nan")), (1, float("inf")), (1, -1)),
    ],
)
def test_number_out_of_range_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="takes a number from 0 to 1"):
        Bar.parse(value)


class Touches:
    """Counts the changes."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def test_own_bar_comes_before_those_of_loops() -> None:
    shown = Bars(Touches())
    outer = shown.open(Bar(1, 2, "outer"))
    inner = shown.open(Bar(3, 4, "inner"))
    shown.own = Bar(0.5, 1)
    assert [bar[0] for bar in shown.to_wire()] == [0.5, 1, 3]
    shown.close(inner)
    assert [bar[0] for bar in shown.to_wire()] == [0.5, 1]
    shown.close(outer)
    assert [bar[0] for bar in shown.to_wire()] == [0.5]


def test_last_bar_stays_until_another_opens() -> None:
    shown = Bars(Touches())
    first = shown.open(Bar(0, 2))
    first.value = 2
    shown.close(first)
    assert shown.to_wire() == [[2, 2, None]]
    shown.open(Bar(0, 3))
    assert shown.to_wire() == [[0, 3, None]]


def test_bar_is_closed_once() -> None:
    touches = Touches()
    shown = Bars(touches)
    first, second = shown.open(Bar(0, 1)), shown.open(Bar(1, 2))
    shown.close(second)
    shown.close(first)
    shown.close(second)
    assert shown.to_wire() == [[0, 1, None]]
    assert touches.count == 4


def test_outermost_bars_are_shown() -> None:
    shown = Bars(Touches())
    for number in range(100):
        shown.open(Bar(number))
    assert [bar[0] for bar in shown.to_wire()] == list(range(bars.MAX_BARS))


@pytest.mark.parametrize(
    ("outputs", "values", "sent"),
    [
        ([["a", "value"], ["a", "max"]], ["3", "10"], [3, 10, None]),
        ([["a", "max"], ["b", "x"], ["a", "value"]], [10, "?", 3], [3, 10, None]),
        ([[{"i": 1}, "value"], [{"i": 1}, "max"]], [3, 10], [3, 10, None]),
    ],
)
def test_value_and_max_of_one_component_are_a_bar(
    outputs: Any, values: Any, sent: Any
) -> None:
    bar = bars.from_outputs(outputs, values)
    assert bar is not None
    assert bar.to_wire() == sent


@pytest.mark.parametrize(
    ("outputs", "values"),
    [
        ([], []),
        ([["a", "value"]], [0.5]),
        ([["a", "value"], ["b", "max"]], [3, 10]),
        ([["a", "value"], ["a", "max"]], [None, None]),
        ([["a", "value"], ["a", "max"]], ["many", "10"]),
        ([["a", "value"], ["a", "max"]], ["nan", "10"]),
        ([["a", "value"], ["a", "max"]], [[1], 10]),
    ],
)
def test_other_outputs_give_no_bar(outputs: Any, values: Any) -> None:
    assert bars.from_outputs(outputs, values) is None


def test_bar_of_a_further_attempt_says_where_it_goes_on() -> None:
    job = Bars(lambda: None)
    job.goes_on = True
    for value in (500, 501):
        job.set_own(Bar.parse((value, 1000)))
        assert job.to_wire() == [[value, 1000, None, {"start": 500}]]
    # What comes then begins at 0.
    job.set_own(Bar.parse((3, 10)))
    assert job.to_wire() == [[3, 10, None]]


def test_bar_of_the_first_attempt_begins_at_0() -> None:
    job = Bars(lambda: None)
    job.set_own(Bar.parse((500, 1000)))
    assert job.to_wire() == [[500, 1000, None]]


def test_loop_from_a_checkpoint_says_where_it_goes_on() -> None:
    job = Bars(lambda: None)
    loop = job.track(range(7, 10), Bar(0, 10), 7)
    assert [job.to_wire() for _ in loop] == [
        [[value, 10, None, {"start": 7}]] for value in (7, 8, 9)
    ]
