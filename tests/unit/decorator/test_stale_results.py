"""Cached callbacks with ``stale_for``: the old result at once, then the new one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import dash
import pytest
from dash import Input, Output, Patch, html

import dash_long_components as dlc
from dash_long_components.exceptions import StoreUnavailableError
from dash_long_components.testing import Job, MemoryLongCallbackManager, Page
from dash_long_components.testing.page import wait_until

A, B, C = (Output(name, "children") for name in "abc")
INPUT = Input("in", "value")

#: Seconds that a test waits at most.
TIMEOUT = 20


class Clock:
    """The wall clock, which a test may set."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._time = time.time

    def __call__(self) -> float:
        return self._time() + self.ahead


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    with mock.patch("time.time", clock):
        yield clock


class Site:
    """An app whose results are fresh for a minute, and stale for ten more."""

    def __init__(self) -> None:
        self.manager = MemoryLongCallbackManager(
            cache_by=[], expire=60, stale_for=600, max_concurrency=20
        )
        self.app = dlc.Dash(__name__, long_callback_manager=self.manager)
        self.app.layout = html.Div()
        self.runs = 0
        self.fails = False
        self.go_on = threading.Event()
        self.go_on.set()

    def work(self, *_values: Any) -> str:
        """Return the number of the run, when the test lets it."""
        self.runs += 1
        run = self.runs
        assert self.go_on.wait(TIMEOUT)
        if self.fails:
            raise ValueError("no data")
        return f"run {run}"

    def start(self) -> Job:
        return Page(self.app).start("a.children", {"in.value": 1})

    def run(self) -> Job:
        job = self.start()
        wait_until(job.busy, TIMEOUT)
        return job

    def run_long_ago(self, clock: Clock) -> None:
        """Run the callback, and let its result become stale."""
        self.run()
        clock.ahead += 61


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.go_on.set()
    site.manager.close()


def test_old_result_comes_at_once_and_one_job_refreshes_it_for_all(
    site: Site, clock: Clock
) -> None:
    site.app.long_callback([A, B], INPUT)(lambda value: [site.work(), value])
    site.run_long_ago(clock)
    site.go_on.clear()
    jobs = [site.start() for _ in range(20)]
    for job in jobs:
        assert job.outputs == {"a.children": "run 1", "b.children": 1}
        assert job.is_stale
        assert 61 <= job.handle["stale"]["age"] < 61 + TIMEOUT
        assert not job.has_ended
    site.go_on.set()
    for job in jobs:
        wait_until(job.busy, TIMEOUT)
        assert job.outputs == {"a.children": "run 2", "b.children": 1}
        assert not job.is_stale
    assert site.runs == 2
    fresh = site.start()
    assert fresh.is_cached
    assert not fresh.is_stale
    assert fresh.outputs["a.children"] == "run 2"


def test_use_keeps_no_result_fresh(site: Site, clock: Clock) -> None:
    site.app.long_callback(A, INPUT)(site.work)
    site.run()
    clock.ahead += 50
    assert site.start().is_cached
    clock.ahead += 50
    assert site.start().is_stale


def test_result_that_is_too_old_is_not_shown(site: Site, clock: Clock) -> None:
    site.app.long_callback(A, INPUT)(site.work)
    site.run()
    clock.ahead += 661
    job = site.start()
    assert not job.is_stale
    assert job.outputs == {}


def test_refresh_that_fails_keeps_the_old_result_and_is_repeated(
    site: Site, clock: Clock
) -> None:
    site.app.long_callback(A, INPUT)(site.work)
    site.run_long_ago(clock)
    site.fails = True
    job = site.run()
    assert job.status == "failed"
    assert job.error is not None
    assert job.error["message"] == "no data"
    assert job.outputs == {"a.children": "run 1"}
    assert job.is_stale
    site.fails = False
    assert site.run().outputs == {"a.children": "run 3"}


def test_refresh_that_streams_shows_its_values_in_the_end(
    site: Site, clock: Clock
) -> None:
    @site.app.long_callback(A, INPUT)
    def work(_value: object) -> Any:
        dash.set_props("other", {"title": "begun"})
        yield "half"
        yield site.work()

    site.run_long_ago(clock)
    site.go_on.clear()
    job = site.start()
    wait_until(lambda: job.busy() if not job.props else [], TIMEOUT)
    assert job.outputs == {"a.children": "run 1"}
    site.go_on.set()
    wait_until(job.busy, TIMEOUT)
    assert job.outputs == {"a.children": "run 2"}
    assert not job.is_stale


def test_refresh_that_updates_nothing_leaves_the_result_stale(
    site: Site, clock: Clock
) -> None:
    site.app.long_callback(A, INPUT)(
        lambda _: site.work() if not site.runs else dash.no_update
    )
    site.run_long_ago(clock)
    job = site.run()
    assert job.status == "succeeded"
    assert job.outputs == {"a.children": "run 1"}
    assert job.is_stale


def test_refresh_that_updates_a_part_leaves_the_result_stale(
    site: Site, clock: Clock
) -> None:
    site.app.long_callback([A, B], INPUT)(
        lambda _: [site.work(), "b" if site.runs == 1 else dash.no_update]
    )
    site.run_long_ago(clock)
    job = site.run()
    assert job.outputs == {"a.children": "run 2", "b.children": "b"}
    assert job.is_stale


def test_patch_is_applied_once(site: Site, clock: Clock) -> None:
    def change(_value: object) -> Patch:
        patch = Patch()
        patch.append(site.work())
        return patch

    site.app.long_callback(A, INPUT)(change)
    site.run_long_ago(clock)
    assert not site.start().is_stale


@pytest.mark.parametrize("on_retrigger", ["queue", "ignore"])
def test_lane_in_which_an_old_result_could_be_wrong_or_lost_shows_none(
    site: Site, clock: Clock, on_retrigger: Any
) -> None:
    site.app.long_callback(A, INPUT, on_retrigger=on_retrigger)(site.work)
    site.run_long_ago(clock)
    assert not site.start().is_stale


@pytest.mark.parametrize("step", ["check_queue", "check_not_draining", "submit"])
def test_refresh_that_can_not_be_started_keeps_the_old_result(
    site: Site, clock: Clock, step: str
) -> None:
    site.app.long_callback(A, INPUT)(site.work)
    site.run_long_ago(clock)
    refusal = StoreUnavailableError("away")
    with mock.patch.object(site.manager, step, side_effect=refusal):
        job = site.start()
    assert job.status == "failed"
    assert job.outputs == {"a.children": "run 1"}
    assert job.is_stale


def test_error_handler_answers_if_a_refresh_can_not_be_started(
    site: Site, clock: Clock
) -> None:
    site.app.long_callback(A, INPUT, on_error=lambda _error: "handled")(site.work)
    site.run_long_ago(clock)
    refusal = StoreUnavailableError("away")
    with mock.patch.object(site.manager, "submit", side_effect=refusal):
        job = site.start()
    assert job.status == "failed"
    assert not job.is_stale


def test_code_waits_for_the_new_result(site: Site, clock: Clock) -> None:
    @site.app.long_callback(A, INPUT)
    def refreshed_by_code(_value: object) -> str:
        return site.work()

    assert site.manager.start(refreshed_by_code, 1).result(TIMEOUT) == "run 1"
    clock.ahead += 61
    assert site.manager.start(refreshed_by_code, 1).result(TIMEOUT) == "run 2"
    assert site.start().outputs == {"a.children": "run 2"}


def test_job_that_waited_behind_a_refresh_takes_its_result(
    site: Site, clock: Clock
) -> None:
    site.app.long_callback(A, INPUT)(site.work)
    site.run_long_ago(clock)
    # As for one that has looked before another one's job ended.
    with mock.patch("dash_long_components.core.caching.find_fresh", return_value=None):
        site.run()
        job = site.run()
    assert job.outputs == {"a.children": "run 2"}
    assert site.runs == 2


def test_manager_that_shows_no_old_results_does_not_take_them_for_fresh(
    site: Site, clock: Clock
) -> None:
    site.app.long_callback(A, INPUT)(site.work)
    site.run_long_ago(clock)
    site.manager.stale_for = None
    assert not site.start().is_cached


def test_nothing_looks_for_old_results_by_default(site: Site) -> None:
    site.manager.stale_for = None
    site.app.long_callback(A, INPUT)(site.work)
    with mock.patch.object(site.manager, "stale_result") as look:
        site.run()
        site.run()
    look.assert_not_called()


@pytest.mark.parametrize("options", [{}, {"cache_by": []}, {"expire": 60}])
def test_stale_for_names_what_it_needs(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="stale_for=5 needs cache_by= and expire="):
        MemoryLongCallbackManager(**options, stale_for=5)


@pytest.mark.parametrize("wrong", [0, -1, "5", True])
def test_stale_for_is_a_time(wrong: Any) -> None:
    with pytest.raises(ValueError, match="stale_for takes seconds, above zero"):
        MemoryLongCallbackManager(cache_by=[], expire=60, stale_for=wrong)
