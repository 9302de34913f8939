"""Numbers from users are checked, and the error names a wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from dash_long_components.core import quantities

WRONG = [0, -1, True, "10", float("nan"), float("inf"), [1]]


@pytest.mark.parametrize("value", [*WRONG, None])
def test_value_that_is_not_a_time_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="lease takes seconds, above zero, not"):
        quantities.seconds("lease", value)


@pytest.mark.parametrize("value", WRONG)
def test_value_that_is_neither_a_time_nor_none_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="timeout= takes seconds, above zero, or None"):
        quantities.seconds_or_none("timeout=", value)


@pytest.mark.parametrize("value", [1, 0.5, 1e9])
def test_times_are_seconds(value: float) -> None:
    assert quantities.seconds("lease", value) == value
    assert quantities.seconds_or_none("timeout=", value) == value
    assert quantities.seconds_or_none("timeout=", None) is None


@pytest.mark.parametrize("value", [0, -1, True, "1", 1.0, None])
def test_value_that_is_not_a_count_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="max_queue takes a whole number above zero"):
        quantities.count("max_queue", value)


def test_counts_are_whole_numbers() -> None:
    assert quantities.count("max_queue", 3) == 3
