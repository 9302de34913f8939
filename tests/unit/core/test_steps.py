"""The steps of a job: what a page shows of them, and how many."""

from __future__ import annotations

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from dash_long_components.core.steps import MAX_DEPTH, MAX_STEPS, Step, Steps


def run(steps: Steps, name: str, at: float, seconds: float) -> Step:
    step = steps.begin(name, None, at)
    steps.end(step, at + seconds, has_failed=False)
    return step


def names(steps: Steps) -> list[str | None]:
    return [step[0] for step in steps.to_wire()]


def test_planned_steps_are_to_come() -> None:
    steps = Steps(planned=["Read", "Fit"])
    assert steps.to_wire() == [
        ["Read", 0, "to_come", 0, 0],
        ["Fit", 0, "to_come", 0, 0],
    ]


def test_times_count_from_the_start_of_the_job() -> None:
    touched: list[None] = []
    steps = Steps(lambda: touched.append(None), start=100.0)
    run(steps, "Read", 101.0, 2.5)
    steps.begin("Fit", None, 104.0)
    assert steps.to_wire() == [["Read", 0, "done", 2.5, 1], ["Fit", 0, "running", 4, 1]]
    assert len(touched) == 3


def test_step_that_runs_again_goes_on_in_its_line() -> None:
    steps = Steps()
    for at in (0.0, 10.0):
        run(steps, "Read", at, 2.0)
        run(steps, "Fit", at + 2, 3.0)
    assert steps.to_wire() == [["Read", 0, "done", 4, 2], ["Fit", 0, "done", 6, 2]]
    steps.begin("Read", None, 20.0)
    # As if all its runs were one that began 4 s ago.
    assert steps.to_wire()[0] == ["Read", 0, "running", 16, 3]


def test_step_that_runs_in_two_threads_ends_with_the_last() -> None:
    steps = Steps()
    first = steps.begin("Read", None, 0.0)
    second = steps.begin("Read", None, 1.0)
    steps.end(first, 2.0, has_failed=False)
    assert steps.to_wire() == [["Read", 0, "running", 0, 2]]
    steps.end(second, 5.0, has_failed=False)
    assert steps.to_wire() == [["Read", 0, "done", 5, 2]]


def test_step_that_was_not_planned_comes_before_those_to_come() -> None:
    steps = Steps(planned=["Read", "Fit", "Plot"])
    run(steps, "Read", 0.0, 1.0)
    run(steps, "Clean", 1.0, 1.0)
    assert names(steps) == ["Read", "Clean", "Fit", "Plot"]
    run(steps, "Plot", 2.0, 1.0)
    assert names(steps) == ["Read", "Clean", "Plot", "Fit"]


def test_first_steps_that_are_over_leave_when_there_is_no_room() -> None:
    steps = Steps(planned=["All"])
    everything = steps.begin("All", None, 0.0)
    for number in range(100):
        step = steps.begin(f"File {number}", everything, float(number))
        steps.end(step, number + 0.5, has_failed=False)
    shown = steps.to_wire()
    assert shown[0][0] == "All"
    left = 100 - (MAX_STEPS - 1)
    assert shown[1] == [None, 1, "done", left / 2, left]
    assert [step[0] for step in shown[2:]] == [f"File {n}" for n in range(left, 100)]


def test_steps_too_deep_are_not_shown() -> None:
    steps = Steps()
    step: Step | None = None
    for depth in range(10):
        step = steps.begin(f"Depth {depth}", step, 0.0)
    assert names(steps) == [f"Depth {depth}" for depth in range(MAX_DEPTH)]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(-1, 60), st.booleans())))
def test_steps_are_bounded_and_stay_in_order(
    events: list[tuple[int, int, bool]],
) -> None:
    steps, open_steps = Steps(planned=["a", "b"]), list[Step]()
    for now, (name, parent, ends) in enumerate(events):
        inner = (
            open_steps[parent % len(open_steps)] if open_steps and parent >= 0 else None
        )
        step = steps.begin(str(name), inner, float(now))
        if ends:
            steps.end(step, now + 0.5, has_failed=False)
        else:
            open_steps.append(step)
        shown = steps.to_wire()
        assert len(shown) <= 2 * MAX_STEPS
        assert {"a", "b"} <= {step[0] for step in shown if step[1] == 0}
        assert all(
            after[1] <= before[1] + 1 for before, after in itertools.pairwise(shown)
        )
        json.dumps(shown)
