"""A function runs with its context, and its end becomes the outcome."""

from __future__ import annotations

import functools
import itertools
import logging
import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any

import flask
import pytest
from dash import Input, Output

from dash_long_components.core.caching import CachedResult
from dash_long_components.core.calls import Caching, Call
from dash_long_components.core.job_errors import JobError
from dash_long_components.core.status import Status
from dash_long_components.exceptions import JobCancelled
from dash_long_components.running import runtime
from dash_long_components.running.current import CurrentJob
from dash_long_components.running.outcome import Outcome
from tests.unit.fakes import JOB, Site, ignore, job_of, out, prop


def test_function_that_sees_its_cancel_ends_cancelled(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = Site()

    @site.long_callback(
        Output("text", "children"),
        Input("button", "n_clicks"),
        progress=Output("bar", "value"),
    )
    def task(set_progress: Any, _clicks: Any) -> None:
        with suppress(Exception):
            raise JobCancelled

    submitted = site.submit(out("text", "children"), [prop("button", "n_clicks", 1)])
    assert submitted.run().status is Status.CANCELLED
    assert not caplog.records


@pytest.fixture
def site() -> Site:
    return Site()


def run(site: Site, function: Any, debug: bool = False, **options: Any) -> Any:
    site.long_callback(Output("text", "children"), Input("i", "value"), **options)(
        function
    )
    submitted = site.submit(out("text", "children"), [prop("i", "value", 1)])
    call = Call(**{**vars(submitted.call), "debug": debug})
    return runtime.run(submitted.task, call, JOB, lambda *_: None)


def test_exception_becomes_the_error_and_is_logged(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Any) -> None:
        raise KeyError("x")

    outcome = run(site, fail)
    assert outcome.status is Status.FAILED
    assert outcome.error == JobError(
        type="KeyError", message="'x'", task=f"{__name__}.{fail.__qualname__}"
    )
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.name == "dash_long_components"
    assert fail.__qualname__ in record.getMessage()
    assert record.exc_info


def test_page_gets_the_traceback_in_debug_mode_only(site: Site) -> None:
    def fail(_: Any) -> None:
        raise KeyError("x")

    error = run(site, fail, debug=True).error
    assert error.traceback.startswith("Traceback")
    assert "raise KeyError" in error.traceback
    # It begins with the user's own function.
    assert error.traceback.count("File ") == 1


def test_value_that_dash_refuses_has_no_traceback(site: Site) -> None:
    error = run(site, lambda _: object(), debug=True).error
    assert error.traceback is None, "the function has returned"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (None, "sys.exit()"),
        (0, "sys.exit(0)"),
        (3, "sys.exit(3)"),
        ("x", "sys.exit(x)"),
    ],
)
def test_sys_exit_fails_the_job(site: Site, code: Any, said: str) -> None:
    error = run(site, lambda _: sys.exit(code)).error
    assert error.type == "SystemExit"
    assert said in error.message


def test_error_that_has_no_text_becomes_the_outcome_too(site: Site) -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    def fail(_: Any) -> None:
        raise Silent

    assert run(site, fail).status is Status.FAILED


def test_progress_comes_first_in_the_arguments(site: Site) -> None:
    seen: list[Any] = []

    def count(*args: Any) -> None:
        seen.extend(args)
        args[0](1)

    outcome = run(site, count, progress=Output("bar", "value"))
    assert outcome.status is Status.SUCCEEDED
    assert callable(seen[0])
    assert seen[1:] == [1]


def test_parameter_named_set_progress_is_enough_to_get_it(site: Site) -> None:
    seen: list[Any] = []

    def count(set_progress: Any, value: Any) -> None:
        set_progress(0.5)
        seen.append(value)

    assert run(site, count).status is Status.SUCCEEDED
    assert seen == [1]


@pytest.mark.parametrize(
    "function",
    [
        lambda value: value,
        lambda value, set_progress=None: set_progress,
        lambda *set_progress: set_progress,
        functools.partial(lambda set_progress, value: value, None),
    ],
)
def test_other_functions_do_not_get_set_progress(site: Site, function: Any) -> None:
    assert run(site, function).status is Status.SUCCEEDED


def test_progress_that_can_not_be_sent_fails_the_job(site: Site) -> None:
    def count(set_progress: Any, _: Any) -> str:
        set_progress(object())
        return "done"

    outcome = run(site, count, progress=Output("bar", "value"))
    assert outcome.status is Status.FAILED
    assert outcome.result is None


class Results:
    """Keeps results in memory."""

    def __init__(self) -> None:
        self.by_key: dict[str, CachedResult] = {}

    def get(self, caching: Caching) -> CachedResult | None:
        return self.by_key.get(caching.key)

    def put(self, caching: Caching, result: CachedResult) -> None:
        self.by_key[caching.key] = result


def run_once(
    site: Site, results: Results, job: CurrentJob = JOB, key: str | None = "key"
) -> Outcome:
    submitted = site.submit(out("text", "children"), [prop("button", "n_clicks", 1)])
    caching = None if key is None else Caching(key=key)
    call = replace(submitted.call, caching=caching)
    return runtime.run_once(submitted.task, call, job, ignore, results)


def test_function_runs_once_for_equal_calls(site: Site) -> None:
    numbers = itertools.count()
    site.long_callback(Output("text", "children"), Input("button", "n_clicks"))(
        lambda _: next(numbers)
    )
    results = Results()
    first = run_once(site, results)
    assert run_once(site, results).result == first.result
    assert run_once(site, results, key="other").result != first.result
    assert run_once(site, results, key=None).result != first.result
    assert results.by_key.keys() == {"key", "other"}
    assert next(numbers) == 3


def test_result_of_a_cancelled_job_is_not_cached(site: Site) -> None:
    site.long_callback(Output("text", "children"), Input("button", "n_clicks"))(
        lambda _: "half"
    )
    results = Results()
    run_once(site, results, job_of("id", lambda: True))
    assert results.by_key == {}


def test_job_has_the_application_context_of_its_app() -> None:
    # Two apps of one name and path, as behind a dispatcher by path.
    sites = [Site(), Site()]
    for number, site in enumerate(sites):
        site.app.server.config["TENANT"] = number
        ended: list[object] = []
        site.app.server.teardown_appcontext(ended.append)

        def tenant(_value: object) -> object:
            return flask.current_app.config["TENANT"]

        outcome = run(site, tenant)
        assert f'{{"children":{number}}}' in outcome.result.decode()
        # The request's and the job's: there Flask-SQLAlchemy closes its session.
        assert len(ended) == 2
    with pytest.raises(RuntimeError):
        assert flask.current_app.name


@pytest.mark.parametrize("name", ["request", "session"])
def test_request_that_a_job_does_not_have_says_what_to_use(
    site: Site, name: str
) -> None:
    outcome = run(site, lambda _value: bool(getattr(flask, name).get("a")))
    assert outcome.error
    assert outcome.error.type == "RuntimeError"
    assert "dash.ctx.cookies" in outcome.error.message


def test_app_of_another_process_lends_its_context_to_an_equal_one(site: Site) -> None:
    def app_name(_value: object) -> object:
        return flask.current_app.name

    site.long_callback(Output("text", "children"), Input("i", "value"))(app_name)
    submitted = site.submit(out("text", "children"), [prop("i", "value", 1)])
    for app, status in (("99", Status.SUCCEEDED), ("", Status.FAILED)):
        name, _, _ = submitted.call.app.rpartition(":")
        call = replace(submitted.call, app=app and f"{name}:{app}")
        outcome = runtime.run(submitted.task, call, JOB, lambda *_: None)
        assert outcome.status is status
    assert outcome.error
    assert "long_callback_entry=" in outcome.error.message
