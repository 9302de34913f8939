"""Checkpoints come back as they were saved, or are refused with the way out."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from dash_long_components.core import checkpoints


@pytest.mark.parametrize("state", [None, 0, 3, "ä", [1, {"a": None}], {}, False])
def test_json_comes_back(state: Any) -> None:
    assert checkpoints.loads(checkpoints.dumps(state), pickle.loads) == state


def test_pickled_objects_come_back() -> None:
    text = checkpoints.dumps({1, 2}, pickle.dumps)
    assert checkpoints.loads(text, pickle.loads) == {1, 2}


def test_nothing_saved_is_none() -> None:
    assert checkpoints.loads(None, pickle.loads) is None


def test_checkpoint_is_good_for_the_code_that_saved_it() -> None:
    stored = checkpoints.marked(checkpoints.dumps({"a": ":"}), "code")
    text = checkpoints.unmarked(stored, "code")
    assert checkpoints.loads(text, pickle.loads) == {"a": ":"}
    assert checkpoints.unmarked(stored, "other") is None
    assert checkpoints.unmarked(None, "") is None


@pytest.mark.parametrize("state", [{1, 2}, object(), float("nan")])
def test_other_objects_are_refused_with_the_way_out(state: Any) -> None:
    with pytest.raises(TypeError, match="pickle=True"):
        checkpoints.dumps(state)


@pytest.mark.parametrize("pickled", [None, pickle.dumps])
def test_large_state_is_refused_by_its_size(pickled: Any) -> None:
    with pytest.raises(ValueError, match=r"1000000 bytes at most, .* has 1\d{6}\."):
        checkpoints.dumps("x" * checkpoints.MAX_SIZE, pickled)
