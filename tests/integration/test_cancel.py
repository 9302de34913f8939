"""Cancelling ends a job, wherever it stands, and all its processes."""

from __future__ import annotations

import itertools

import pytest
from dash.testing.wait import until

from tests.integration.page import TIMEOUT, Page
from tests.integration.servers import Server, is_alive, until_gone, until_no_job_is_left

_names = (f"cancel-{number}" for number in itertools.count())


def test_cancel_ends_a_running_job_and_its_process(server: Server, page: Page) -> None:
    name = next(_names)
    job = page.start("hold", name)
    pid = server.wait_for_file(name)
    page.cancel(job)
    page.wait_for("cancelled", job)
    assert "result" not in job.snapshots[-1]
    assert "error" not in job.snapshots[-1]
    until(lambda: not is_alive(pid), TIMEOUT)


def test_cancel_ends_the_whole_family(server: Server, page: Page) -> None:
    name = next(_names)
    job = page.start("family", {"name": name, "then": "wait"})
    pids = server.wait_for_file(name)
    assert len(pids) == 6
    assert all(map(is_alive, pids))
    page.cancel(job)
    page.wait_for("cancelled", job)
    until_gone(lambda: filter(is_alive, pids))


def test_cancel_of_a_queued_job_keeps_it_from_starting(
    server: Server, page: Page
) -> None:
    holding = [next(_names) for _ in range(8)]
    jobs = [page.start("hold", name) for name in holding]
    page.poll(*jobs)
    waiting = jobs[-1]
    assert waiting.status == "queued"
    page.cancel(waiting)
    page.poll(waiting)
    assert waiting.status == "cancelled"
    for name in holding:
        server.release(name)
    page.wait_for("succeeded", *jobs[:-1])
    # First come, first served: one that comes after it has run.
    assert page.run("echo", 1).result == 1
    assert not server.file(holding[-1]).exists()


def test_cancel_of_an_ended_job_changes_nothing(page: Page) -> None:
    job = page.run("echo", "kept")
    page.cancel(job, job)
    again = type(job)(job.handle)
    page.poll(again)
    assert again.snapshots[-1] == job.snapshots[-1]


def test_cancel_may_be_said_many_times(server: Server, page: Page) -> None:
    name = next(_names)
    job = page.start("hold", name)
    server.wait_for_file(name)
    for _ in range(5):
        page.cancel(job)
    page.wait_for("cancelled", job)
    page.cancel(job)


def test_cancel_straight_after_the_start_ends_it(server: Server, page: Page) -> None:
    jobs = []
    for _ in range(10):
        job = page.start("hold", next(_names))
        page.cancel(job)
        jobs.append(job)
    page.wait_for("cancelled", *jobs)
    until_no_job_is_left(server.dispatcher())


@pytest.mark.parametrize("spoil", [lambda t: t[:-1], lambda t: "x" + t, lambda t: ""])
def test_token_that_is_not_ours_cancels_nothing(
    server: Server, page: Page, spoil: object
) -> None:
    assert callable(spoil)
    name = next(_names)
    job = page.start("hold", name)
    server.wait_for_file(name)
    assert page.cancel_tokens([spoil(job.token)]).status == 204
    server.release(name)
    page.wait_for("succeeded", job)


def test_later_trigger_of_a_page_ends_the_job_of_the_earlier(
    server: Server, page: Page
) -> None:
    name = next(_names)
    first = page.start("hold", name, seq=1)
    pid = server.wait_for_file(name)
    last = page.start("hold", next(_names), seq=3)
    late = page.start("hold", next(_names), seq=2)
    page.wait_for("cancelled", first, late)
    until(lambda: not is_alive(pid), TIMEOUT)
    page.poll(last)
    assert not last.has_ended
    page.cancel(last)
    page.wait_for("cancelled", last)


def test_triggers_of_two_pages_leave_each_other_alone(
    server: Server, page: Page
) -> None:
    other = server.page()
    names = [next(_names), next(_names)]
    jobs = [page.start("hold", names[0], seq=1), other.start("hold", names[1], seq=2)]
    for name in names:
        server.wait_for_file(name)
        server.release(name)
    page.wait_for("succeeded", *jobs)
