"""The store is locked, or its disk is full, for a while."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.integration.conftest import Serve
from tests.integration.page import TIMEOUT
from tests.integration.servers import command
from tests.promises import promised
from tests.waiting import until


def test_locked_store_holds_jobs_up_and_ends_none(serve: Serve) -> None:
    server = serve(command(max_concurrency=1))
    page = server.page()
    running = page.start("hold", "held")
    server.wait_for_file("held")
    waiting = page.start("echo", "after")
    with server.locked_store():
        server.release("held")
        # Worker and dispatcher have noticed, and try again.
        until(
            lambda: server.log.count("can't be read or written now") > 1,
            TIMEOUT,
            poll=0.05,
        )
        page.poll(running, waiting)
        assert (running.status, waiting.status) == ("running", "queued")
    with promised("5 s"):
        page.wait_for("succeeded", running, waiting)
    assert (running.result, waiting.result) == ("held", "after")


def test_trigger_while_the_store_is_locked_fails_and_can_be_repeated(
    serve: Serve, tmp_path: Path
) -> None:
    server = serve(command(), tmp_path)
    page = server.page()
    running = page.start("hold", "held", seq=1)
    server.wait_for_file("held")
    with server.locked_store("EXCLUSIVE"):
        # The other server has not opened the store before.
        other = serve(command(), tmp_path).page()
        with promised("6 s"), ThreadPoolExecutor() as pool:
            errors = pool.map(
                lambda each: each.fail_to_start("hold", "other", seq=2), [page, other]
            )
        for error in errors:
            assert error["type"] == "NotStarted"
            assert "cache" not in str(error)
        assert "Could not start tasks_app.hold: The job store " in server.log
        page.poll(running)
        assert running.status == "running"
    again = page.start("hold", "other", seq=3)
    page.wait_for("cancelled", running)
    server.release("other")
    page.wait_for("succeeded", again)
