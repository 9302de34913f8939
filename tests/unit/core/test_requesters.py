"""Requesters join a job and leave it; the last one to leave cancels it."""

from __future__ import annotations

import pytest

from dash_long_components.core import reading
from dash_long_components.core.ids import Ticket, new_job_id
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.requesters import REMEMBERED, Requester, next_id
from dash_long_components.core.status import Status
from dash_long_components.exceptions import JobEndedError
from tests.unit.core.made import (
    record,
)


def job_of(*requesters: str) -> Record:
    job = record()
    for requester in requesters:
        job = job.join(Requester(id=requester))
    return job


@pytest.mark.parametrize("started", [False, True])
def test_requester_that_leaves_reads_cancelled_and_the_others_go_on(
    started: bool,
) -> None:
    job = job_of("a", "b")
    job = job.start(2.0) if started else job
    cursor = job.cursor
    job = job.leave("a", 3.0)
    assert not job.status.is_terminal
    assert not job.cancel_requested
    gone = reading.since(job, cursor, "a")
    assert gone.status is Status.CANCELLED
    assert gone.cursor > cursor
    assert reading.since(job, 0, "b").status is job.status


def test_requester_that_has_left_gets_no_more_news() -> None:
    job = job_of("a", "b").start(2.0).leave("a", 3.0)
    cursor = reading.since(job, 0, "a").cursor
    job = job.report(4.0, Report(progress=[["bar", "value", 1]]))
    job = job.end(Status.SUCCEEDED, 5.0)
    assert reading.since(job, cursor, "a").cursor == cursor
    assert reading.since(job, 0, "a").status is Status.CANCELLED
    assert reading.since(job, 0, "a").progress is None
    assert reading.since(job, 0, "b").status is Status.SUCCEEDED


def test_last_requester_that_leaves_cancels_the_job() -> None:
    assert job_of("a", "b").leave("b", 2.0).leave("a", 3.0).status is Status.CANCELLED
    job = job_of("a", "b").start(2.0).leave("b", 3.0).leave("a", 4.0)
    assert job.cancel_requested
    # It has not ended yet, and its requester still gets its news.
    assert reading.since(job, 0, "a").status is Status.RUNNING
    assert not job.is_joinable


def test_leave_is_idempotent() -> None:
    job = job_of("a", "b").leave("a", 2.0)
    assert job.leave("a", 3.0) == job


def test_no_requester_leaves_an_ended_job() -> None:
    for job in (job_of("a"), job_of("a", "b")):
        with pytest.raises(JobEndedError):
            job.start(2.0).end(Status.SUCCEEDED, 3.0).leave("a", 4.0)


def test_unknown_requester_can_neither_leave_nor_read() -> None:
    with pytest.raises(KeyError):
        job_of("a").leave("b", 2.0)
    with pytest.raises(KeyError):
        reading.since(job_of("a"), 0, "b")


def test_late_requester_gets_everything() -> None:
    job = job_of("a").start(2.0).report(3.0, Report(progress=[["bar", "value", 1]]))
    assert reading.since(job.join(Requester(id="b")), 0, "b").progress == [
        ["bar", "value", 1]
    ]


def test_others_see_no_change_when_one_joins() -> None:
    job = job_of("a").start(2.0)
    assert (
        reading.since(job.join(Requester(id="b")), job.cursor, "a").cursor == job.cursor
    )


def test_only_a_live_job_without_a_cancel_is_joinable() -> None:
    assert job_of("a").is_joinable
    assert job_of("a").start(2.0).is_joinable
    assert not job_of("a").start(2.0).request_cancel(3.0).is_joinable
    assert not job_of("a").start(2.0).end(Status.SUCCEEDED, 3.0).is_joinable


def test_ticket_comes_back_from_its_text() -> None:
    ticket = Ticket(job=new_job_id(), requester="12")
    assert Ticket.parse(str(ticket)) == ticket


@pytest.mark.parametrize("text", ["", "job", ".", "job."])
def test_other_text_is_a_ticket_of_no_job(text: str) -> None:
    with pytest.raises(KeyError):
        reading.since(job_of("0"), 0, Ticket.parse(text).requester)


def test_requester_that_has_left_long_ago_is_forgotten() -> None:
    job = job_of("0").join(Requester(id="1", owner="other")).leave("1", 2.0)
    ids = ["0", "1"]
    for _ in range(100):
        ids.append(next_id(job.requesters))
        # Another one has joined before this one leaves.
        job = job.join(Requester(id=ids[-1]))
        if len(ids) > 3:
            job = job.leave(ids[-2], 3.0)
    assert len(set(ids)) == len(ids)
    assert len(job.requesters) <= REMEMBERED + 5
    # The first one says whose job it is, and each user finds it.
    assert job.requesters[0].id == "0"
    assert job.is_of("other")
    # A page may ask once more.
    assert reading.since(job, 0, ids[-2]).status is Status.CANCELLED
    assert [each.id for each in job.staying] == ["0", ids[-1]]
