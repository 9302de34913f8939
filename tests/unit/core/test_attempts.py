"""The rules of attempts: how long one may run, and whether another one follows."""

from __future__ import annotations

from typing import Any

import pytest

from dash_long_components.core import attempts, reading
from dash_long_components.core.calls import Call, Limits
from dash_long_components.core.job_errors import JobError
from dash_long_components.core.records import Record
from dash_long_components.core.retries import Retries
from dash_long_components.core.snapshots import Place
from dash_long_components.core.status import Status
from dash_long_components.exceptions import JobEndedError

ERROR = JobError(type="ConnectionError", message="refused\nhere", task="module.task")


def running(retries: Retries | None, **limits: Any) -> Record:
    call = Call(
        task="key",
        fingerprint="",
        context={},
        retries=retries,
        limits=Limits(**limits),
    )
    return Record.of_call(call, task="module.task", code="v1", now=0.0).start(10.0)


def test_without_retries_no_end_has_a_further_attempt() -> None:
    assert {attempts.pause(running(None), status, 11.0, 0.0) for status in Status} == {
        None
    }


@pytest.mark.parametrize(
    ("allowed", "statuses"),
    [
        ({}, {Status.FAILED}),
        ({"lost": True}, {Status.FAILED, Status.LOST}),
        ({"timed_out": True}, {Status.FAILED, Status.TIMED_OUT}),
    ],
)
def test_only_allowed_ends_have_one(
    allowed: dict[str, bool], statuses: set[Status]
) -> None:
    record = running(Retries(times=1, **allowed))
    found = {
        each for each in Status if attempts.pause(record, each, 11.0, 0.0) is not None
    }
    assert found == statuses
    assert attempts.pause(record.request_cancel(11.0), Status.FAILED, 12.0, 0.0) is None
    second = record.try_again(11.0, 1.0, ERROR).start(12.0)
    assert {attempts.pause(second, each, 13.0, 0.0) for each in Status} == {None}


def test_job_waits_in_the_queue_between_attempts_and_keeps_its_log() -> None:
    record = running(Retries(times=2))
    waiting = record.end_attempt(Status.FAILED, 11.0, 5.0, ERROR)
    assert (waiting.status, waiting.attempt, waiting.next_try) == (
        Status.QUEUED,
        2,
        16.0,
    )
    ((_, line),) = waiting.log
    assert line[:2] == [1, "Attempt 1 of 3 failed: ConnectionError: refused"]
    shown = reading.since(waiting, 0).between_attempts(12.0)
    assert shown is not None
    assert shown.place == Place(position=0, wait=4.0, attempt=(2, 3))
    assert b'"queue":{"position":0,"wait":4.0,"attempt":[2,3]}' in shown.to_pieces()[0]
    assert shown.is_news_since(shown.cursor)
    assert reading.since(waiting, 0).between_attempts(16.0) is None
    assert not reading.since(waiting, 9).is_news_since(9)
    again = waiting.start(16.0)
    assert (again.began, again.started, again.next_try) == (10.0, 16.0, None)
    assert Record.from_json(waiting.to_json()) == waiting
    with pytest.raises(JobEndedError):
        again.of_run(1)
    assert again.of_run(2) is again


def test_cancel_wins_over_the_next_attempt() -> None:
    record = running(Retries(times=2))
    ended = record.request_cancel(11.0).end_attempt(Status.FAILED, 12.0, 5.0, ERROR)
    assert ended.status is Status.CANCELLED
    waiting = record.end_attempt(Status.FAILED, 11.0, 5.0, ERROR)
    assert waiting.request_cancel(12.0).status is Status.CANCELLED


def test_timeout_is_of_each_attempt_and_the_total_of_all() -> None:
    record = running(Retries(times=5, total_timeout=30), timeout=20)
    assert attempts.timeout(record) == 20
    assert attempts.timed_out_error(record).message == "Timed out after 20 s."
    # It would start when all the time is over.
    assert attempts.pause(record, Status.FAILED, 35.0, 0.0, asked=6) is None
    second = record.try_again(30.0, 1.0, ERROR).start(31.0)
    assert attempts.timeout(second) == 9
    assert attempts.timed_out_error(second).message == (
        "Timed out after 30 s in all, in attempt 2."
    )
    waiting = record.try_again(30.0, 1.0, ERROR)
    assert attempts.late_error(waiting, 39.0) is None
    late = attempts.late_error(waiting, 40.0)
    assert late is not None
    assert late.message == "Timed out after 30 s in all, in attempt 1."
    assert attempts.timeout(running(None)) is None


def test_job_that_is_handed_over_goes_on_with_the_same_attempt() -> None:
    record = running(Retries(times=2, total_timeout=30), timeout=20)
    waiting = record.hand_over(11.0)
    assert (waiting.status, waiting.attempt, waiting.run) == (Status.QUEUED, 1, 2)
    assert waiting.next_try is None
    assert waiting.log[-1][1][1] == (
        "Its worker stops. Another one goes on from the checkpoint."
    )
    again = waiting.start(12.0)
    assert (again.attempt, again.run, again.began) == (1, 2, 10.0)
    with pytest.raises(JobEndedError):
        again.of_run(1)
    assert attempts.until(again) == 40.0
    assert attempts.pause(again, Status.FAILED, 13.0, 0.0) is not None
    assert Record.from_json(again.to_json()) == again
    with pytest.raises(JobEndedError):
        waiting.hand_over(12.0)
    cancelled = record.request_cancel(11.0).hand_over(12.0)
    assert cancelled.status is Status.CANCELLED
