"""Workers give pages the texts for exceptions that the app chooses."""

from __future__ import annotations

import pytest

from dash_long_components.bridge.error_messages import HIDDEN
from tests.integration.conftest import Serve
from tests.integration.servers import command


@pytest.mark.parametrize(
    ("environment", "text"),
    [([], "Try another value (ValueError)."), (["env", "HIDE=1"], HIDDEN)],
    ids=["function", "hide"],
)
def test_page_gets_the_text_and_the_log_the_exception(
    serve: Serve, environment: list[str], text: str
) -> None:
    server = serve([*environment, *command("errors_app.py")])
    job = server.page().run("echo", "password")
    assert job.status == "failed"
    assert job.error["type"] == "Error"
    assert job.error["message"] == text
    assert "password" not in str(job.snapshots)
    assert "ValueError: no password" in server.log
