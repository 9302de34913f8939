"""The queue: first come, first served, never more jobs at once than allowed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

import pytest

from tests.integration.conftest import Serve
from tests.integration.page import TIMEOUT, Job
from tests.integration.servers import command, gunicorn, until_no_job_is_left
from tests.promises import promised
from tests.waiting import until


@pytest.mark.parametrize("server", ["python", "gunicorn"])
def test_fifty_jobs_on_two_places(serve: Serve, server: str) -> None:
    start = command if server == "python" else partial(gunicorn, 4)
    app = serve(start(max_concurrency=2))
    page = app.page()
    first = [page.start("hold", f"first-{number}") for number in range(2)]
    for number in range(2):
        app.wait_for_file(f"first-{number}")
    dispatcher = app.dispatcher()
    jobs = [page.start("nap", number) for number in range(50)]
    counts = [len(dispatcher.children(recursive=True))]
    for number in range(2):
        app.release(f"first-{number}")

    def have_ended() -> bool:
        page.poll(*[job for job in jobs if not job.has_ended])
        counts.append(len(dispatcher.children(recursive=True)))
        return all(job.has_ended for job in jobs)

    until(have_ended, TIMEOUT, poll=0)
    assert max(counts) == 2
    page.wait_for("succeeded", *first)
    assert [job.result for job in jobs] == list(range(50))
    until_no_job_is_left(dispatcher)
    assert app.dispatchers() == [dispatcher]


def test_jobs_start_in_the_order_they_came(serve: Serve) -> None:
    server = serve(command(max_concurrency=1))
    page = server.page()
    first = page.start("hold", "first")
    server.wait_for_file("first")
    jobs = [page.start("stamp", number) for number in range(10)]
    server.release("first")
    page.wait_for("succeeded", first, *jobs)
    stamps = [job.result for job in jobs]
    assert stamps == sorted(stamps)


def test_full_queue_rejects_and_empties_again(serve: Serve) -> None:
    server = serve(command(max_concurrency=1, max_queue=2))
    page = server.page()
    running = page.start("hold", "one")
    server.wait_for_file("one")
    waiting = [page.start("echo", number) for number in range(2)]
    with promised("2 s"):
        refused = page.start("echo", "too many")
        page.poll(refused)
    assert refused.status == "rejected"
    assert "2 jobs are waiting" in refused.error["message"]
    # A place in the queue is free again once its job was cancelled.
    page.cancel(waiting[0])
    waiting[0] = page.start("echo", 0)
    page.poll(waiting[0])
    assert waiting[0].status == "queued"
    server.release("one")
    page.wait_for("succeeded", running, *waiting)
    for _ in range(5):
        assert page.run("echo", "room").status == "succeeded"


@pytest.mark.parametrize("workers", [2])
def test_two_users_with_the_same_arguments_get_one_result_each(
    serve: Serve, workers: int
) -> None:
    server = serve(gunicorn(workers))
    pages = [server.page("user=ada"), server.page("user=bob")]
    # If one fails, the other must not wait for ever.
    barrier = Barrier(2, timeout=TIMEOUT)

    def ask(number: int) -> list[Job]:
        jobs = []
        for _ in range(20):
            barrier.wait()
            jobs.append(pages[number].run("ask", "the same"))
        return jobs

    with ThreadPoolExecutor(2) as pool:
        ada, bob = pool.map(ask, range(2))
    assert {job.result["cookies"]["user"] for job in ada} == {"ada"}
    assert {job.result["cookies"]["user"] for job in bob} == {"bob"}
    assert len({job.token for job in ada + bob}) == 40
    assert len({job.result["pid"] for job in ada + bob}) == 40
