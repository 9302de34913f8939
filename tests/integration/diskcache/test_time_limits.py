"""What bounds a job holds when dispatchers and servers come and go."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.integration.conftest import Serve
from tests.integration.page import TIMEOUT
from tests.integration.servers import command, is_alive, until_gone
from tests.waiting import until


def test_time_of_a_job_goes_on_when_its_dispatcher_is_killed(serve: Serve) -> None:
    server = serve(command())
    page = server.page()
    job = page.start("brief", {"name": "family", "then": "wait"})
    family = server.wait_for_file("family")
    server.dispatcher().kill()
    page.wait_for("timed_out", job)
    until_gone(lambda: filter(is_alive, family))


def test_job_that_waits_for_too_long_expires(serve: Serve) -> None:
    server = serve(command(max_concurrency=1, queue_timeout=2.0))
    server.wait_until_ready()
    page = server.page()
    running = page.start("hold", "held")
    server.wait_for_file("held")
    waiting = page.start("hold", "waiting")
    page.wait_for("timed_out", waiting)
    assert "Expired in the queue" in waiting.error["message"]
    # How long it runs is another thing.
    server.release("held")
    page.wait_for("succeeded", running)
    assert page.run("echo", 1).result == 1
    assert not server.file("waiting").exists()


def test_job_that_expired_while_no_server_was_there_does_not_begin(
    serve: Serve, tmp_path: Path
) -> None:
    start = command(max_concurrency=1, queue_timeout=2.0)
    first = serve(start, tmp_path)
    first.wait_until_ready()
    page = first.page()
    running = page.start("hold", "held")
    first.wait_for_file("held")
    waiting = page.start("hold", "waiting")
    dispatcher = first.dispatcher()
    first.terminate()
    dispatcher.kill()
    submitted = time.monotonic()
    until(lambda: time.monotonic() > submitted + 2.0, TIMEOUT)
    second = serve(start, tmp_path, first.port)
    page.wait_for("timed_out", waiting)
    second.release("held")
    page.wait_for("succeeded", running)
    assert not second.file("waiting").exists()


def test_locked_store_holds_jobs_up_and_ends_none(serve: Serve) -> None:
    server = serve(command(max_concurrency=1))
    page = server.page()
    running = page.start("hold", "held")
    server.wait_for_file("held")
    waiting = page.start("echo", "after")
    database = sqlite3.connect(
        server.file("cache") / "long-jobs" / "cache.db", isolation_level=None
    )
    database.execute("BEGIN IMMEDIATE")
    server.release("held")
    # Worker and dispatcher have come to know, and don't give up.
    until(
        lambda: server.log.count("can't be read or written now") > 1, TIMEOUT, poll=0.05
    )
    page.poll(running, waiting)
    assert (running.status, waiting.status) == ("running", "queued")
    database.execute("ROLLBACK")
    database.close()
    page.wait_for("succeeded", running, waiting)
    assert (running.result, waiting.result) == ("held", "after")


def test_trigger_while_the_store_is_locked_is_told_and_may_be_repeated(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(command(), tmp_path)
    page = server.page()
    running = page.start("hold", "held", seq=1)
    server.wait_for_file("held")
    database = sqlite3.connect(
        server.file("cache") / "long-jobs" / "cache.db", isolation_level=None
    )
    database.execute("BEGIN EXCLUSIVE")
    # Also to a server that has never had the store.
    other = serve(command(), tmp_path).page()
    with ThreadPoolExecutor() as pool:
        errors = pool.map(
            lambda each: each.fail_to_start("hold", "other", seq=2), [page, other]
        )
    for error in errors:
        assert error["type"] == "NotStarted"
        assert "cache" not in str(error)
    assert "Could not start tasks_app.hold: The jobs in " in server.log
    page.poll(running)
    assert running.status == "running"
    database.execute("ROLLBACK")
    database.close()
    again = page.start("hold", "other", seq=3)
    page.wait_for("cancelled", running)
    server.release("other")
    page.wait_for("succeeded", again)


def test_page_goes_on_with_its_job_after_a_restart(
    serve: Serve, tmp_path: Path
) -> None:
    first = serve(command(), tmp_path)
    page = first.page()
    job = page.start("leave", "held")
    worker = first.wait_for_file("held")
    first.terminate()
    # Longer than a page may be quiet: but it had nobody to ask.
    stopped = time.monotonic()
    until(lambda: time.monotonic() > stopped + 3.0, TIMEOUT)
    second = serve(command(), tmp_path, first.port)
    page.poll(job)
    assert job.status == "running"
    assert is_alive(worker)
    second.release("held")
    page.wait_for("succeeded", job)
