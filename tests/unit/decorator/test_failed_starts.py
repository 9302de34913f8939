"""If a job can't start, the page learns that, and the log has the reason."""

from __future__ import annotations

import json
import logging
from contextlib import nullcontext
from typing import Any
from unittest import mock

import pytest
from dash import ALL, Input, Output, no_update, set_props

from dash_long_components.exceptions import (
    BrokerUnavailableError,
    StoreError,
    StoreUnavailableError,
    UnknownQueueError,
)
from dash_long_components.testing import Page
from tests.unit.fakes import Site, handle_of, out, prop

TEXT, CLICKS = Output("text", "children"), Input("run", "n_clicks")
AWAY = StoreUnavailableError("It is away, at redis://a:secret@b.")
ERROR = {
    "type": "NotStarted",
    "message": "Could not start: the job store is not responding.",
}


@pytest.fixture
def site() -> Site:
    return Site()


def decorate(site: Site, output: Any = TEXT, **options: Any) -> str:
    """Add a long callback, and return its name for people."""
    args = () if output is None else (output,)

    def run(clicks: int) -> int:
        return clicks

    site.long_callback(*args, CLICKS, **options)(run)
    return f"{__name__}.{run.__qualname__}"


def click(
    site: Site,
    error: Exception | None = AWAY,
    method: str = "submit",
    output: Any = None,
    inputs: int = 1,
    **more: Any,
) -> Any:
    """Click while a method of the manager raises ``error``; None if all is well."""
    (name,) = site.app.callback_map
    context: Any = nullcontext()
    if error is not None:
        context = mock.patch.object(site.manager, method, side_effect=error)
    with context:
        return site.trigger(
            out("text", "children") if output is None else output,
            [prop("run", "n_clicks", 1)] * inputs,
            changed=["run.n_clicks"],
            callback_id=name,
            **more,
        )


@pytest.mark.parametrize("method", ["submit", "secret"])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (AWAY, "the job store is not responding"),
        (BrokerUnavailableError("redis://secret@b"), "the broker is not responding"),
        (StoreError("It is gone: /srv/secret."), "the job store can't be used"),
        (UnknownQueueError("secret"), "the server does not have its queue"),
    ],
)
def test_page_learns_why_its_job_could_not_start(
    site: Site,
    caplog: pytest.LogCaptureFixture,
    method: str,
    error: StoreError,
    reason: str,
) -> None:
    name = decorate(site, job="job")
    response = click(site, error, method)
    assert response.status_code == 200
    handle = handle_of(response)
    assert handle["token"] is None
    assert handle["error"] == {
        "type": "NotStarted",
        "message": f"Could not start: {reason}.",
        "task": name,
    }
    assert handle["view"] == "job"
    assert "secret" not in response.get_data(as_text=True)
    assert response.get_json()["response"] == {}
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage() == f"Could not start {name}: {error}"
    assert record.exc_info
    assert record.exc_info[1] is error
    assert handle_of(click(site, None))["token"]


@pytest.mark.parametrize(
    ("output", "sent"),
    [
        (
            [TEXT, Output("b", "children")],
            [out("text", "children"), out("b", "children")],
        ),
        ([TEXT], [out("text", "children")]),
        (
            Output({"row": ALL}, "children"),
            [out({"row": 1}, "children"), out({"row": 2}, "children")],
        ),
    ],
)
def test_outputs_of_any_kind_stay_unchanged(
    site: Site, output: Any, sent: list[Any]
) -> None:
    decorate(site, output)
    response = click(site, output=sent)
    assert handle_of(response)["error"]
    assert not response.get_json().get("response")


@pytest.mark.parametrize("debug", [True, False])
def test_traceback_is_there_in_debug_mode(site: Site, debug: bool) -> None:
    site.app.enable_dev_tools(debug=debug, dev_tools_hot_reload=False)
    decorate(site)
    error = handle_of(click(site))["error"]
    assert ("traceback" in error) == debug


def test_other_errors_are_exceptions_of_the_callback(site: Site) -> None:
    decorate(site)
    assert click(site, ValueError("a bug")).status_code == 500


def test_error_of_the_user_function_is_an_exception_too() -> None:
    site = Site(long_callback_user=mock.Mock(side_effect=ConnectionError("ldap")))
    decorate(site)
    assert click(site).status_code == 500


def test_trigger_that_starts_no_job_reports_no_failure(site: Site) -> None:
    stop = Input("stop", "n_clicks")
    site.long_callback(TEXT, CLICKS, stop, cancel=stop)(lambda *_: None)
    inputs = [prop("run", "n_clicks", 1), prop("stop", "n_clicks", 1)]
    with mock.patch.object(site.manager, "secret", side_effect=AWAY):
        answer = site.trigger(
            out("text", "children"), inputs, changed=["stop.n_clicks"]
        )
    assert "sideUpdate" not in (answer.get_json() or {})
    origin = {"page": "page", "seq": 1, "ownResult": True}
    other = Site()
    decorate(other)
    assert "sideUpdate" not in (
        click(other, method="secret", longJob=origin).get_json() or {}
    )


def test_callback_without_outputs_reports_its_failure_too(site: Site) -> None:
    decorate(site, None)
    # It has its first Input twice.
    assert handle_of(click(site, inputs=2, output=[]))["error"]


@pytest.mark.parametrize("is_apps", [True, False])
def test_on_error_runs_and_the_page_gets_the_failure_as_well(is_apps: bool) -> None:
    asked = []

    def on_error(error: Exception) -> Any:
        asked.append(error)
        set_props("toast", {"children": "try again"})
        return "no result"

    site = Site(on_error=on_error if is_apps else mock.Mock())
    decorate(site, **({} if is_apps else {"on_error": on_error}))
    response = click(site)
    assert asked == [AWAY]
    answer = response.get_json()
    assert answer["response"] == {"text": {"children": "no result"}}
    assert answer["sideUpdate"]["toast"] == {"children": "try again"}
    assert handle_of(response)["error"]["type"] == "NotStarted"


@pytest.mark.parametrize("answer", [None, no_update])
def test_on_error_may_leave_the_outputs_unchanged(answer: Any) -> None:
    site = Site(on_error=lambda _error: answer)
    decorate(site)
    response = click(site)
    assert handle_of(response)["error"]
    assert not response.get_json().get("response")


def test_page_without_a_browser_gets_the_failure(site: Site) -> None:
    name = decorate(site)
    with mock.patch.object(site.manager, "submit", side_effect=AWAY):
        job = Page(site.app).start("text.children", {"run.n_clicks": 1})
    assert job.has_ended
    assert (job.status, job.error) == ("failed", {**ERROR, "task": name})
    assert json.dumps(job.outputs) == "{}"
