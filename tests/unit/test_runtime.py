"""What a running job reports costs little, and its last word is never lost."""

from __future__ import annotations

import functools
import logging
import math
import sys
import threading
import time
from contextlib import suppress
from typing import Any

import pytest
from dash import Input, Output
from dash.exceptions import InvalidCallbackReturnValue

from dash_long_components import dash_bridge, runtime
from dash_long_components.current import CurrentJob
from dash_long_components.exceptions import JobCancelled, JobEndedError
from dash_long_components.jobs import Call, JobError, Status
from dash_long_components.records import Report
from dash_long_components.runtime import Reporter
from tests.unit.fakes import JOB, Site, out, prop

TIMEOUT = 10.0
BAR = [["bar", "value"]]


class Page:
    """Notes down what is written."""

    def __init__(self) -> None:
        self.writes: list[Report] = []
        self.written = threading.Event()

    def write(self, report: Report) -> None:
        self.writes.append(report)
        self.written.set()

    @property
    def progress(self) -> list[Any]:
        return [each.progress[0][2] for each in self.writes if each.progress]

    @property
    def props(self) -> list[Any]:
        return [update[2] for each in self.writes for update in each.props]

    @property
    def bars(self) -> list[Any]:
        return [each.bars for each in self.writes if each.bars is not None]


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture
def reporter(page: Page) -> Reporter:
    return Reporter(page.write, BAR, Output("bar", "value"))


def test_cancelled_job_that_wants_to_be_asked_is_told_at_its_next_report(
    page: Page,
) -> None:
    answers = iter([False, True])
    job = CurrentJob("job", "module.task", lambda: next(answers))
    reporter = Reporter(page.write, BAR, Output("bar", "value"), job=job)
    reporter.set_progress(1)
    with pytest.raises(JobCancelled):  # noqa: PT012
        while True:
            reporter.set_progress(2)
    with pytest.raises(JobCancelled):
        reporter.set_props("log", {"children": 1})
    reporter.close()


def test_first_report_is_written_at_once(page: Page, reporter: Reporter) -> None:
    reporter.set_progress(1)
    assert page.written.wait(TIMEOUT)
    assert page.progress == [1]
    reporter.close()


def test_many_reports_are_few_writes_and_the_last_is_among_them(
    page: Page, reporter: Reporter
) -> None:
    start = time.monotonic()
    for number in range(20_000):
        reporter.set_progress(number)
    reporter.close()
    elapsed = time.monotonic() - start
    assert page.progress[-1] == 19_999
    assert page.progress == sorted(set(page.progress))
    assert len(page.writes) <= elapsed / runtime.REPORT_INTERVAL + 3


def test_writes_that_take_long_are_fewer() -> None:
    spent = []

    def write(_: Report) -> None:
        start = time.monotonic()
        while time.monotonic() < start + 0.02:
            pass
        spent.append(time.monotonic() - start)

    reporter = Reporter(write, BAR, Output("bar", "value"), interval=0.001)
    start = time.monotonic()
    while len(spent) < 4:
        reporter.set_progress(1)
    reporter.close()
    assert sum(spent) < (time.monotonic() - start) / 3


@pytest.mark.parametrize("value", [None, 0, "", [], False, {}])
def test_falsy_value_is_progress(page: Page, reporter: Reporter, value: Any) -> None:
    reporter.set_progress(value)
    reporter.close()
    assert page.progress == [value]


@pytest.mark.parametrize("value", ["1", 1, 0.5, True, None])
def test_plain_value_costs_no_encoding(
    page: Page, reporter: Reporter, monkeypatch: pytest.MonkeyPatch, value: Any
) -> None:
    monkeypatch.setattr(dash_bridge, "to_json_data", pytest.fail)
    reporter.set_progress(value)
    reporter.close()
    assert page.progress == [value]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_number_without_a_json_form_is_what_dash_makes_of_it(
    page: Page, reporter: Reporter, value: float
) -> None:
    reporter.set_progress(value)
    reporter.close()
    assert repr(page.progress) == repr([dash_bridge.to_json_data(value)])


def test_every_property_that_was_set_is_written(page: Page, reporter: Reporter) -> None:
    for number in range(1000):
        reporter.set_props("log", {"children": number})
    reporter.close()
    assert page.props == list(range(1000))


def test_reports_from_threads_all_arrive(page: Page, reporter: Reporter) -> None:
    def report(offset: int) -> None:
        for number in range(200):
            reporter.set_props("log", {"children": offset + number})

    threads = [threading.Thread(target=report, args=(n * 200,)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reporter.close()
    assert sorted(page.props) == list(range(1000))


def test_nothing_reported_is_nothing_written(page: Page, reporter: Reporter) -> None:
    before = threading.active_count()
    reporter.close()
    assert page.writes == []
    assert threading.active_count() == before


def test_close_leaves_no_thread(page: Page, reporter: Reporter) -> None:
    before = threading.active_count()
    reporter.set_progress(1)
    reporter.close()
    assert threading.active_count() == before


def test_set_props_keeps_the_value_of_its_moment(
    page: Page, reporter: Reporter
) -> None:
    rows = [1]
    reporter.set_props("table", {"data": rows})
    rows.append(2)
    reporter.close()
    assert page.writes[0].props == [["table", "data", [1]]]


def test_progress_keeps_the_value_of_its_moment(page: Page, reporter: Reporter) -> None:
    rows = [1]
    reporter.set_progress("first")
    assert page.written.wait(TIMEOUT)
    reporter.set_progress(rows)
    rows.append(2)
    reporter.close()
    assert page.progress == ["first", [1]]


def test_value_that_can_not_be_sent_is_refused_at_once(reporter: Reporter) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        reporter.set_progress(object())
    reporter.close()


def test_write_that_fails_is_raised_at_the_end() -> None:
    def write(*_: Any) -> None:
        raise OSError("the disk is full")

    reporter = Reporter(write, BAR, Output("bar", "value"))
    reporter.set_progress(1)
    with pytest.raises(OSError, match="the disk is full"):
        reporter.close()


def test_job_that_was_cancelled_reports_to_nobody() -> None:
    def write(*_: Any) -> None:
        raise JobEndedError("cancelled")

    reporter = Reporter(write, BAR, Output("bar", "value"))
    reporter.set_progress(1)
    reporter.close()
    # Where its process can't be ended, the function is: at its next report.
    for report in (
        functools.partial(reporter.set_progress, 2),
        functools.partial(reporter.set_props, "a", {}),
    ):
        with pytest.raises(JobCancelled):
            report()


def test_function_that_is_told_of_its_cancel_ends_cancelled(
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


@pytest.mark.parametrize(
    ("schema", "value", "sent"),
    [
        ([Output("a", "x"), Output("b", "y")], (1, 2), [1, 2]),
        ((Output("a", "x"), Output("b", "y")), [1, 2], [1, 2]),
        ({"p": Output("a", "x"), "q": Output("b", "y")}, {"q": 2, "p": 1}, [1, 2]),
        ([Output("a", "x"), [Output("b", "y")]], [1, [2]], [1, 2]),
    ],
)
def test_progress_comes_in_the_grouping_of_its_outputs(
    page: Page, schema: Any, value: Any, sent: list[Any]
) -> None:
    reporter = Reporter(page.write, [["a", "x"], ["b", "y"]], schema)
    reporter.set_progress(value)
    reporter.close()
    assert page.writes[0].progress == [["a", "x", sent[0]], ["b", "y", sent[1]]]


@pytest.mark.parametrize("value", [(1,), [1], 1])
def test_list_of_one_output_takes_the_value_itself_too(page: Page, value: Any) -> None:
    reporter = Reporter(page.write, BAR, [Output("bar", "value")])
    reporter.set_progress(value)
    reporter.close()
    assert page.progress == [1]


@pytest.mark.parametrize("value", [1, (1,), (1, 2, 3), {"a": 1}, None])
def test_other_grouping_is_refused_where_it_was_called(page: Page, value: Any) -> None:
    schema = [Output("a", "x"), Output("b", "y")]
    reporter = Reporter(page.write, [["a", "x"], ["b", "y"]], schema)
    with pytest.raises(InvalidCallbackReturnValue):
        reporter.set_progress(value)
    reporter.close()
    assert page.writes == []


@pytest.mark.parametrize(
    ("value", "bar"),
    [
        (0.3, [0.3, 1, None]),
        ((3, 10), [3, 10, None]),
        ((3, 10, "rows"), [3, 10, "rows"]),
        ([3, None], [3, None, None]),
    ],
)
def test_progress_without_outputs_is_the_bar_of_the_job(
    page: Page, value: Any, bar: Any
) -> None:
    reporter = Reporter(page.write, [], None)
    reporter.set_progress(value)
    reporter.set_progress(value)
    reporter.close()
    assert page.bars[-1] == [bar]
    assert page.progress == []


def test_none_takes_the_bar_away(page: Page) -> None:
    reporter = Reporter(page.write, [], None)
    reporter.set_progress(0.5)
    reporter.set_progress(None)
    reporter.close()
    assert page.bars[-1] == []


def test_value_that_is_no_progress_is_refused_where_it_was_called(page: Page) -> None:
    reporter = Reporter(page.write, [], None)
    with pytest.raises(TypeError, match="takes a number from 0 to 1"):
        reporter.set_progress("3")
    reporter.close()
    assert page.writes == []


def test_value_and_max_of_a_component_are_a_bar_too(page: Page) -> None:
    outputs = [["bar", "value"], ["bar", "max"]]
    schema = (Output("bar", "value"), Output("bar", "max"))
    reporter = Reporter(page.write, outputs, schema)
    reporter.set_progress(("3", "10"))
    reporter.close()
    assert page.bars == [[[3, 10, None]]]
    assert page.writes[0].progress == [["bar", "value", "3"], ["bar", "max", "10"]]


def test_other_outputs_are_no_bar(page: Page, reporter: Reporter) -> None:
    reporter.set_progress(3)
    reporter.close()
    assert page.bars == []


def test_loop_that_reports_every_item_is_written_a_few_times(page: Page) -> None:
    reporter = Reporter(page.write, [], None)
    start = time.monotonic()
    for number in range(100_000):
        reporter.set_progress((number, 100_000))
    reporter.close()
    elapsed = time.monotonic() - start
    assert page.bars[-1] == [[99_999, 100_000, None]]
    assert len(page.writes) <= elapsed / runtime.REPORT_INTERVAL + 3


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


def test_traceback_is_told_in_debug_mode_only(site: Site) -> None:
    def fail(_: Any) -> None:
        raise KeyError("x")

    error = run(site, fail, debug=True).error
    assert error.traceback.startswith("Traceback")
    assert "raise KeyError" in error.traceback


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (None, "sys.exit()"),
        (0, "sys.exit(0)"),
        (3, "sys.exit(3)"),
        ("x", "sys.exit(x)"),
    ],
)
def test_exit_is_no_success(site: Site, code: Any, said: str) -> None:
    error = run(site, lambda _: sys.exit(code)).error
    assert error.type == "SystemExit"
    assert said in error.message


def test_error_without_a_text_becomes_the_outcome_too(site: Site) -> None:
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
def test_nobody_else_gets_it(site: Site, function: Any) -> None:
    assert run(site, function).status is Status.SUCCEEDED


def test_progress_that_can_not_be_sent_fails_the_job(site: Site) -> None:
    def count(set_progress: Any, _: Any) -> str:
        set_progress(object())
        return "done"

    outcome = run(site, count, progress=Output("bar", "value"))
    assert outcome.status is Status.FAILED
    assert outcome.result is None
