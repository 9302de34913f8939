"""The items of a ``map()`` and their outcomes, in the order of the items."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from dash_long_components.exceptions import JobCancelled
from dash_long_components.running.turns import Turns


def turns_of(items: Iterable[Any], ahead: int = 100) -> Turns:
    return Turns(items, ahead)


def failing(count: int, error: BaseException) -> Iterator[int]:
    yield from range(count)
    raise error


def taken(turns: Turns) -> list[int]:
    """Take all items that are wanted now, and return their numbers."""
    return [taken[0] for taken in iter(turns.take, None)]


def test_results_come_in_the_order_of_the_items() -> None:
    turns = turns_of("abc")
    assert [*iter(turns.take, None)] == [(1, "a"), (2, "b"), (3, "c")]
    turns.succeed(2, None)
    assert not turns.has_next
    turns.succeed(1, "A")
    turns.succeed(3, "C")
    assert [turns.next() for _ in range(3)] == ["A", None, "C"]
    assert turns.are_over


def test_a_few_items_are_taken_ahead_of_the_next_result() -> None:
    turns = turns_of(itertools.count(), ahead=3)
    assert taken(turns) == [1, 2, 3]
    turns.succeed(1, None)
    turns.next()
    assert taken(turns) == [4]


def test_no_item_is_made_while_the_next_result_is_there() -> None:
    turns = turns_of(item for item in range(3))
    turns.take()
    turns.succeed(1, "a")
    assert turns.take() is None
    assert turns.next() == "a"
    assert turns.take() == (2, 1)


class Bar:
    """As a bar of tqdm around a generator: it has a length, and makes its items."""

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[int]:
        yield from (7, 8)


def test_length_alone_does_not_make_items_exist() -> None:
    turns = turns_of(Bar())
    turns.take()
    turns.succeed(1, "a")
    assert turns.take() is None


def test_items_that_exist_are_taken_before_the_next_result() -> None:
    turns = turns_of([7, 8])
    turns.take()
    turns.succeed(1, "a")
    assert turns.take() == (2, 8)


@pytest.mark.parametrize("has_part_failed", [True, False])
def test_exception_comes_after_the_results_before_it(has_part_failed: bool) -> None:
    if has_part_failed:
        turns = turns_of(itertools.count(), ahead=4)
        assert taken(turns) == [1, 2, 3, 4]
        turns.fail(3, KeyError("x"))
    else:
        turns = turns_of(failing(2, KeyError("x")))
        assert taken(turns) == [1, 2]
    turns.succeed(2, "b")
    assert not turns.has_next
    turns.succeed(1, "a")
    assert [turns.next(), turns.next()] == ["a", "b"]
    assert turns.take() is None  # even if there are more
    assert not turns.are_over
    with pytest.raises(KeyError, match="x"):
        turns.next()


def test_first_of_two_exceptions_counts() -> None:
    turns = turns_of(range(4))
    assert taken(turns) == [1, 2, 3, 4]
    turns.fail(2, KeyError("second"))
    turns.fail(3, KeyError("third"))
    assert [turns.wants(number) for number in (1, 2, 3)] == [True, False, False]
    turns.fail(1, KeyError("first"))
    with pytest.raises(KeyError, match="first"):
        turns.next()


def test_cancel_comes_at_once() -> None:
    turns = turns_of(failing(1, JobCancelled()))
    turns.take()
    with pytest.raises(JobCancelled):
        turns.take()
