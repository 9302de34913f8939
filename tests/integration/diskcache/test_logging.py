"""Jobs log as worker_init says; the handlers of the server are not there."""

from __future__ import annotations

from tests.integration.conftest import Serve
from tests.integration.servers import command


def test_records_of_jobs_go_through_the_handlers_of_worker_init(serve: Serve) -> None:
    server = serve(command("logging_app.py"))
    assert server.page().run("echo", "hello").result == "hello"
    assert "from a job: echo hello" in server.log
    assert "from the server: echo hello" not in server.log
