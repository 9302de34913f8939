"""Forecasts of when jobs start, from how long tasks usually take."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from dash_long_components.core.durations import MAX_RUNS, median, with_another
from dash_long_components.core.forecasts import Forecasts, forecast
from dash_long_components.core.queueing import QueuedJob, Scheduling, Sizes
from dash_long_components.core.records import Record
from dash_long_components.core.snapshots import Place

USUAL = {"quick": 1.0, "slow": 10.0}


def job(job_id: str, task: str, **scheduling: Any) -> QueuedJob:
    return QueuedJob(id=job_id, task=task, scheduling=Scheduling(**scheduling))


@pytest.mark.parametrize(
    ("slots", "running", "waiting", "waits"),
    [
        # The next slot is free when the running job ends.
        (1, [("slow", 4)], ["quick"], [6]),
        (1, [("slow", 4)], ["quick", "quick", "slow"], [6, 7, 8]),
        # It has taken longer than usual.
        (1, [("quick", 5)], ["quick", "quick"], [1, 2]),
        # Two slots: the job takes the first one that is free.
        (2, [("slow", 0), ("quick", 0)], ["slow", "slow", "quick"], [1, 10, 11]),
        # A free slot that the dispatcher has not filled yet.
        (2, [("slow", 0)], ["quick", "quick"], [0, 1]),
        # The duration of one task is not known.
        (1, [("new", 3)], ["quick"], [None]),
        (1, [("slow", 4)], ["new", "quick"], [6, None]),
        (2, [("slow", 4), ("new", 0)], ["quick", "new", "quick"], [6, 7, None]),
        (1, [], [], []),
    ],
)
def test_wait_depends_on_the_jobs_before(
    slots: int, running: Any, waiting: list[str], waits: list[Any]
) -> None:
    named = [job(f"job-{number}", task) for number, task in enumerate(waiting)]
    run = [(job("runs", task), elapsed) for task, elapsed in running]
    found = forecast(Sizes(slots), run, named, USUAL.get)
    assert found == {
        f"job-{number}": Place(position=number + 1, wait=wait)
        for number, wait in enumerate(waits)
    }


def test_each_queue_and_group_has_places_of_its_own() -> None:
    quick = [job(f"quick-{number}", "quick") for number in range(2)]
    gpu = [job(f"gpu-{number}", "slow", queue="gpu") for number in range(2)]
    one = {"concurrency": 1, "group": "one"}
    single = [job(f"single-{number}", "quick", **one) for number in range(3)]
    urgent = job("urgent", "quick", priority=1)
    running = [(job("runs", "slow"), 4.0)]
    waiting = [*gpu, *quick, *single, urgent]
    found = forecast(Sizes(2, {"gpu": 1}), running, waiting, USUAL.get)
    assert {
        job_id: (place.position, place.wait) for job_id, place in found.items()
    } == {
        **{"gpu-0": (1, 0), "gpu-1": (2, 10)},
        **{"urgent": (1, 0), "quick-0": (2, 1), "quick-1": (3, 2)},
        **{"single-0": (4, 3), "single-1": (5, 4), "single-2": (6, 5)},
    }


def test_median_is_read_once_for_a_thousand_jobs() -> None:
    usual = mock.Mock(return_value=1.0)
    waiting = [job(str(number), "task") for number in range(1000)]
    found = forecast(Sizes(8), [(job("runs", "task"), 0.0)] * 8, waiting, usual)
    assert found["999"] == Place(position=1000, wait=125.0)
    assert usual.call_count == 1


def record(job_id: str) -> Record:
    return Record(id=job_id, task="task", code="v1", created=1, changed=1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    clock = mock.Mock(return_value=100.0)
    monkeypatch.setattr("time.monotonic", clock)
    return clock


def test_many_pages_share_a_forecast(clock: Any) -> None:
    place = Place(position=1, wait=None)
    make = mock.Mock(return_value={"a": place, "b": place})
    made = Forecasts(make)
    for _ in range(100):
        assert made.place(record("a")) == place
        assert made.place(record("b")) == place
    clock.return_value += 0.5
    made.place(record("a"))
    make.assert_called_once_with("v1")
    clock.return_value += 0.01
    made.place(record("a"))
    assert make.call_count == 2


def test_new_job_gets_a_forecast_soon(clock: Any) -> None:
    make = mock.Mock(return_value={})
    made = Forecasts(make)
    for _ in range(10):
        assert made.place(record("new")) is None
    assert make.call_count == 1
    make.return_value = {"new": Place(position=1, wait=None)}
    clock.return_value += 0.1
    assert made.place(record("new"))


def test_forecasts_of_a_long_queue_take_a_tenth_of_the_time(clock: Any) -> None:
    def make(code: str) -> dict[str, Place]:
        clock.return_value += 0.2
        return {}

    made = Forecasts(mock.Mock(side_effect=make))
    end = clock.return_value + 60
    spent = 0.0
    while clock.return_value < end:
        before = clock.return_value
        made.place(record("new"))
        spent += clock.return_value - before
        clock.return_value += 0.01
    assert spent <= 6.2


def test_last_runs_count() -> None:
    durations: list[float] = []
    for seconds in range(100):
        durations = with_another(durations, seconds)
    assert durations == list(range(100 - MAX_RUNS, 100))
    assert median(durations) == 89.5
    assert median([]) is None


def test_clock_that_is_set_back_gives_zero_seconds() -> None:
    assert with_another([], -5.0) == [0.0]
