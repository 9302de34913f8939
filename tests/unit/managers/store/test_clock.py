"""No change of the clock on the wall makes time go by."""

from __future__ import annotations

import pytest

from dash_long_components.managers.store.clock import Instant

THEN = Instant(monotonic=100.0, wall=5000.0)


@pytest.mark.parametrize("jump", [0, 3600, -3600, 1e9])
def test_jump_of_the_clock_is_no_time(jump: float) -> None:
    assert Instant(107.0, 5007.0 + jump).since(THEN) == 7.0


def test_after_a_restart_of_the_machine_the_clock_on_the_wall_counts() -> None:
    assert Instant(3.0, 5060.0).since(THEN) == 60.0
    assert Instant(3.0, 4000.0).since(THEN) == 0.0


def test_now_goes_on() -> None:
    assert 0.0 <= Instant.now().since(Instant.now()) < 1.0
