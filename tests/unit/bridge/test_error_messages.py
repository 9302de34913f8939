"""An app chooses the text that a page gets for an exception."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import dash
import pytest
from dash import Input, Output, html

import dash_long_components as dlc
from dash_long_components import init_app
from dash_long_components.bridge.error_messages import HIDDEN
from dash_long_components.core.job_errors import JobError
from dash_long_components.running import runtime
from tests.unit.fakes import JOB, RecordingManager, Site, Submitted, ignore, out, prop

SECRET = "postgresql://user:password@host"


def submit(error_message: Any = None) -> Submitted:
    """Submit a job that fails, in an app with this option."""
    site = Site(long_callback_error_message=error_message)

    @site.long_callback(Output("text", "children"), Input("i", "value"))
    def fail(_value: Any) -> None:
        raise ConnectionError(SECRET)

    return site.submit(out("text", "children"), [prop("i", "value", 1)])


def error_of(submitted: Submitted) -> JobError:
    error = submitted.run().error
    assert error is not None
    return error


def friendly(error: BaseException) -> str:
    return f"The database is away ({type(error).__name__})."


def broken(error: BaseException) -> str:
    raise KeyError(str(error))


def test_page_gets_type_and_message_by_default() -> None:
    error = error_of(submit())
    assert (error.type, error.message) == ("ConnectionError", SECRET)


@pytest.mark.parametrize(
    ("error_message", "text"),
    [
        ("hide", HIDDEN),
        (friendly, "The database is away (ConnectionError)."),
        (broken, HIDDEN),
    ],
)
def test_app_chooses_the_text(
    error_message: Any, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    error = error_of(submit(error_message))
    assert (error.type, error.message, error.traceback) == ("Error", text, None)
    # The log always has all of it.
    assert any(
        record.levelno == logging.ERROR
        and record.exc_info
        and str(record.exc_info[1]) == SECRET
        for record in caplog.records
    )


def test_process_without_the_app_hides_exceptions() -> None:
    submitted = submit(friendly)
    call = replace(submitted.call, error_message="/ of another process")
    task = replace(submitted.task, error_message=None)
    outcome = runtime.run(task, call, JOB, ignore)
    assert outcome.error is not None
    assert outcome.error.message == HIDDEN
    # Unless the function came with the task, as that of a notebook does.
    outcome = runtime.run(submitted.task, call, JOB, ignore)
    assert outcome.error is not None
    assert outcome.error.message == friendly(ConnectionError())


def test_each_app_has_its_own_choice() -> None:
    texts = {error_of(submit(each)).message for each in (friendly, "hide", None)}
    assert len(texts) == 3


def test_plain_dash_may_choose() -> None:
    for error_message in ("hide", friendly):
        app = dash.Dash(__name__)
        app.layout = html.Div()
        init_app(app, RecordingManager(), error_message=error_message)
        RecordingManager().init_app(app, error_message=error_message)


def test_other_values_are_refused() -> None:
    with pytest.raises(ValueError, match=r"error_message= takes a function .* not 'x'"):
        dlc.Dash(
            __name__,
            long_callback_manager=RecordingManager(),
            long_callback_error_message="x",
        )
