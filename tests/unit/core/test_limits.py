"""The rules of limits, without a manager."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from dash_long_components.core.calls import Limits
from dash_long_components.core.limits import (
    EXIT_GRACE,
    Times,
    grace_after,
    has_left,
    is_news,
    judge,
)
from dash_long_components.core.records import Record
from dash_long_components.core.requesters import Requester
from dash_long_components.core.status import Status

RUNNING = Record(
    id="job",
    task="module.task",
    code="v1",
    requesters=(Requester(id="0"),),
    limits=Limits(timeout=5.0, cancel_grace=3.0),
    created=1.0,
    changed=1.0,
).start(2.0)
CANCELLED = RUNNING.leave("0", 3.0)
ENDED = RUNNING.end(Status.FAILED, 3.0)


def test_job_without_limits_goes_on() -> None:
    verdict = judge(RUNNING, Times(), 1e9)
    assert not verdict.must_stop
    assert verdict.due == math.inf


def test_job_stops_at_its_deadline() -> None:
    times = Times(deadline=105.0)
    before = judge(RUNNING, times, 104.9)
    assert (before.must_stop, before.status, before.due) == (False, None, 105.0)
    verdict = judge(RUNNING, times, 105.0)
    assert verdict.must_stop
    assert verdict.status is Status.TIMED_OUT
    assert verdict.error is not None
    assert "5" in verdict.error.message


def test_only_a_cancel_leaves_a_grace() -> None:
    assert grace_after(Status.CANCELLED, 3.0) == 3.0
    assert grace_after(Status.TIMED_OUT, 3.0) == grace_after(Status.LOST, 3.0) == 0.0


def test_cancelled_job_stops_after_its_grace() -> None:
    times = Times(cancelled=100.0)
    before = judge(CANCELLED, times, 102.9)
    assert (before.must_stop, before.status, before.due) == (False, None, 103.0)
    verdict = judge(CANCELLED, times, 103.0)
    assert (verdict.must_stop, verdict.status) == (True, Status.CANCELLED)


def test_cancelled_job_without_grace_stops_at_once() -> None:
    record = replace(CANCELLED, limits=Limits())
    assert judge(record, Times(cancelled=100.0), 100.0).must_stop
    assert judge(record, Times(), 100.0).must_stop


@pytest.mark.parametrize(("deadline", "due"), [(101.0, 101.0), (109.0, 103.0)])
def test_first_of_two_limits_counts(deadline: float, due: float) -> None:
    times = Times(deadline=deadline, cancelled=100.0)
    assert judge(CANCELLED, times, 100.5).due == due
    assert judge(CANCELLED, times, due).must_stop


def test_worker_of_an_ended_job_may_take_a_while_to_exit() -> None:
    times = Times(deadline=1.0, ended=100.0)
    assert not judge(ENDED, times, 100.0).must_stop
    verdict = judge(ENDED, times, 100.0 + EXIT_GRACE)
    assert (verdict.must_stop, verdict.status) == (True, None)


def test_page_has_left_after_its_leave_timeout() -> None:
    assert not has_left(100.0, 10.0, 100.0, reachable_since=0.0)
    assert not has_left(100.0, 10.0, 110.0, reachable_since=0.0)
    assert has_left(100.0, 10.0, 110.1, reachable_since=0.0)


def test_page_that_could_not_poll_has_not_left() -> None:
    assert not has_left(100.0, 10.0, 205.0, reachable_since=195.0)
    assert has_left(100.0, 10.0, 205.1, reachable_since=195.0)


def test_time_of_a_clock_that_started_again_is_none() -> None:
    assert not has_left(100.0, 10.0, 12.0, reachable_since=2.0)
    assert has_left(100.0, 10.0, 12.1, reachable_since=2.0)
    assert is_news(100.0, 10.0, 12.0)


def test_first_poll_is_news_and_one_soon_after_it_is_not() -> None:
    assert is_news(None, 8.0, 100.0)
    assert not is_news(100.0, 8.0, 100.0)
    assert not is_news(100.0, 8.0, 101.9)
    assert is_news(100.0, 8.0, 102.0)
