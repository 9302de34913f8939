"""Cancels on one machine."""

from __future__ import annotations

import itertools

from tests.integration.page import TIMEOUT, Page
from tests.integration.servers import Server, is_alive, until_no_job_is_left
from tests.waiting import until

_names = (f"cancel-{number}" for number in itertools.count())


def test_cancel_may_come_many_times(server: Server, page: Page) -> None:
    name = next(_names)
    job = page.start("hold", name)
    server.wait_for_file(name)
    for _ in range(5):
        page.cancel(job)
    page.wait_for("cancelled", job)
    page.cancel(job)


def test_log_does_not_call_a_cancelled_job_lost(server: Server, page: Page) -> None:
    name = next(_names)
    job = page.start("hold", name)
    worker = server.wait_for_file(name)
    page.cancel(job)
    page.wait_for("cancelled", job)
    until(lambda: not is_alive(worker), TIMEOUT)
    # The dispatcher logs before it starts the next job.
    assert page.run("echo", 1).result == 1
    assert "is lost" not in server.log


def test_cancel_straight_after_the_start_ends_it(server: Server, page: Page) -> None:
    jobs = []
    for _ in range(10):
        job = page.start("hold", next(_names))
        page.cancel(job)
        jobs.append(job)
    page.wait_for("cancelled", *jobs)
    until_no_job_is_left(server.dispatcher())


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
