"""Reports cost a job little, and the last one always arrives."""

from __future__ import annotations

import functools
import math
import os
import threading
import time
from typing import Any
from unittest import mock

import pytest
from dash import ALL, Output, Patch, no_update

from dash_long_components.bridge import internals
from dash_long_components.core.reports import Report
from dash_long_components.core.updates import is_patch
from dash_long_components.exceptions import JobCancelled, JobEndedError
from dash_long_components.running.part_limits import in_part
from dash_long_components.running.reporter import REPORT_INTERVAL, Reporter
from tests.unit.fakes import job_of
from tests.waiting import until

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


def test_process_that_the_job_has_forked_can_not_report(
    page: Page, reporter: Reporter
) -> None:
    before = threading.active_count()
    with mock.patch.object(os, "getpid", return_value=os.getpid() + 1):
        with pytest.raises(RuntimeError, match="in the job's own process"):
            reporter.set_progress(1)
        with pytest.raises(RuntimeError, match="in the job's own process"):
            reporter.set_props("text", {"children": 1})
        reporter.log("text", 20, 1.0)
        reporter.bars.advanced()
    assert threading.active_count() == before


def test_part_can_not_report_for_its_job(reporter: Reporter) -> None:
    with in_part():
        with pytest.raises(RuntimeError, match=r"can't call set_progress\(\)"):
            reporter.set_progress(1)
        with pytest.raises(RuntimeError, match=r"can't call set_props\(\)"):
            reporter.set_props("text", {"children": 1})


def test_report_of_a_cancelled_job_with_a_grace_raises(
    page: Page,
) -> None:
    answers = iter([False, True])
    job = job_of("job", lambda: next(answers))
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
    assert len(page.writes) <= elapsed / REPORT_INTERVAL + 3


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
    monkeypatch.setattr(internals, "to_json_data", pytest.fail)
    reporter.set_progress(value)
    reporter.close()
    assert page.progress == [value]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_number_that_json_lacks_is_encoded_as_by_dash(
    page: Page, reporter: Reporter, value: float
) -> None:
    reporter.set_progress(value)
    reporter.close()
    assert repr(page.progress) == repr([internals.to_json_data(value)])


def test_every_property_that_was_set_is_written(page: Page, reporter: Reporter) -> None:
    for number in range(1000):
        reporter.set_props("log", {"children": number})
    reporter.close()
    assert page.props == list(range(1000))


def test_reports_are_merged_while_writes_block() -> None:
    page, store_is_back = Page(), threading.Event()

    def write(report: Report) -> None:
        assert store_is_back.wait(TIMEOUT)
        page.write(report)

    reporter = Reporter(write, [], None)
    reporter.set_props("first", {"children": 0})
    for number in range(10_000):
        reporter.set_props("log", {"children": number})
        reporter.set_props("other", {"children": number})
    store_is_back.set()
    reporter.close()
    assert len(page.props) < 3000
    for name in ("log", "other"):
        sent = [u for each in page.writes for u in each.props if u[0] == name]
        assert sent[-1] == [name, "children", 9_999]


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


def test_one_thread_writes_for_all_threads(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[threading.Thread] = []

    class Slow(threading.Thread):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            made.append(self)
            time.sleep(0.05)  # for the others to come so far, too

    reporter = Reporter(page.write, [], None)
    report = functools.partial(reporter.set_progress, 0.5)
    threads = [threading.Thread(target=report) for _ in range(3)]
    others = [
        threading.Thread(target=reporter.log, args=("x", 20, 1.0)) for _ in range(3)
    ]
    monkeypatch.setattr(threading, "Thread", Slow)
    for thread in [*threads, *others]:
        thread.start()
    for thread in [*threads, *others]:
        thread.join()
    reporter.close()
    assert len(made) == 1


def test_job_that_reports_nothing_writes_nothing(
    page: Page, reporter: Reporter
) -> None:
    before = threading.active_count()
    reporter.close()
    assert page.writes == []
    assert threading.active_count() == before


def test_close_leaves_no_thread(page: Page, reporter: Reporter) -> None:
    before = threading.active_count()
    reporter.set_progress(1)
    reporter.close()
    assert threading.active_count() == before


def test_set_props_sends_the_value_at_the_call(page: Page, reporter: Reporter) -> None:
    rows = [1]
    reporter.set_props("table", {"data": rows})
    rows.append(2)
    reporter.close()
    assert page.writes[0].props == [["table", "data", [1]]]


def test_set_progress_sends_the_value_at_the_call(
    page: Page, reporter: Reporter
) -> None:
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


def test_report_after_the_end_raises() -> None:
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


def test_several_arguments_are_a_tuple(page: Page) -> None:
    outputs = [Output("a", "x"), Output("b", "y")]
    reporter = Reporter(page.write, [["a", "x"], ["b", "y"]], outputs)
    reporter.set_progress(1, 2)
    reporter.close()
    assert page.writes[0].progress == [["a", "x", 1], ["b", "y", 2]]
    reporter = Reporter(page.write, [], None)
    reporter.set_progress(3, 10, "rows")
    reporter.close()
    assert page.writes[1].bars == [[3, 10, "rows"]]


@pytest.mark.parametrize("value", [(1,), [1], 1])
def test_list_of_one_output_takes_the_value_itself_too(page: Page, value: Any) -> None:
    reporter = Reporter(page.write, BAR, [Output("bar", "value")])
    reporter.set_progress(value)
    reporter.close()
    assert page.progress == [1]


@pytest.mark.parametrize("value", [1, (1,), (1, 2, 3), {"a": 1}, None])
def test_wrong_grouping_raises_at_the_call(page: Page, value: Any) -> None:
    schema = [Output("a", "x"), Output("b", "y")]
    reporter = Reporter(page.write, [["a", "x"], ["b", "y"]], schema)
    with pytest.raises(ValueError, match=r"one value for each Output of progress="):
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


def test_none_removes_the_bar(page: Page) -> None:
    reporter = Reporter(page.write, [], None)
    reporter.set_progress(0.5)
    reporter.set_progress(None)
    reporter.close()
    assert page.bars[-1] == []


def test_wrong_progress_raises_at_the_call(page: Page) -> None:
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


def test_other_outputs_make_no_bar(page: Page, reporter: Reporter) -> None:
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
    assert len(page.writes) <= elapsed / REPORT_INTERVAL + 3


def test_no_update_leaves_an_output_as_it_is(page: Page) -> None:
    outputs = [["bar", "value"], ["text", "children"]]
    schema = [Output(name, prop) for name, prop in outputs]
    reporter = Reporter(page.write, outputs, schema, interval=TIMEOUT)
    reporter.set_progress((no_update, "begun"))
    until(lambda: page.writes, TIMEOUT)
    assert page.writes[0].progress == [["text", "children", "begun"]]
    # Two of them between two writes: the page sees the first one's value too.
    reporter.set_progress((1, no_update))
    reporter.set_progress((no_update, "done"))
    reporter.set_props("other", {"children": no_update, "title": "set"})
    reporter.close()
    assert page.writes[1].progress == [
        ["bar", "value", 1],
        ["text", "children", "done"],
    ]
    assert page.writes[1].props == [["other", "title", "set"]]


def test_every_patch_of_an_output_arrives_after_the_value_before_it(page: Page) -> None:
    outputs = [["bar", "value"], ["list", "children"]]
    schema = [Output(name, prop) for name, prop in outputs]
    reporter = Reporter(page.write, outputs, schema, interval=TIMEOUT)

    def append(text: str) -> Patch:
        patch = Patch()
        patch.append(text)
        return patch

    reporter.set_progress((0, no_update))
    until(lambda: page.writes, TIMEOUT)
    # Between two writes, the last value of an Output is enough.
    reporter.set_progress((1, ["begun"]))
    reporter.set_progress((2, append("a")))
    reporter.set_progress((no_update, append("b")))
    reporter.set_progress((3, no_update))
    reporter.set_progress((4, append("c")))
    reporter.close()
    report = page.writes[1]
    assert report.progress == [["bar", "value", 4]]
    assert [update[:2] for update in report.props] == [["list", "children"]] * 4
    first, *patches = page.props
    assert first == ["begun"]
    assert [patch["operations"][0]["params"]["value"] for patch in patches] == [
        "a",
        "b",
        "c",
    ]


def test_every_list_of_patches_for_a_pattern_arrives(page: Page) -> None:
    outputs = [[{"row": ["ALL"]}, "children"]]
    reporter = Reporter(
        page.write, outputs, Output({"row": ALL}, "children"), interval=TIMEOUT
    )
    patch = Patch()
    patch.append("more")
    reporter.set_progress(["begun", "begun"])
    until(lambda: page.writes, TIMEOUT)
    reporter.set_progress([patch, "other"])
    reporter.set_progress([patch, patch])
    reporter.close()
    before, *lists = page.props
    assert before == ["begun", "begun"]
    assert [[is_patch(value) for value in each] for each in lists] == [
        [True, False],
        [True, True],
    ]


def test_value_after_a_patch_replaces_it(page: Page) -> None:
    reporter = Reporter(page.write, BAR, Output("bar", "value"), interval=TIMEOUT)
    patch = Patch()
    patch += 1
    reporter.set_progress(patch)
    until(lambda: page.writes, TIMEOUT)
    reporter.set_progress(7)
    reporter.close()
    assert [each.progress for each in page.writes] == [[], []]
    assert page.writes[1].props == [["bar", "value", 7]]


def test_last_title_is_written(page: Page, reporter: Reporter) -> None:
    reporter.set_title("first")
    reporter.set_title("last")
    reporter.close()
    assert [each.title for each in page.writes][-1] == "last"
    with mock.patch.object(os, "getpid", return_value=os.getpid() + 1):
        reporter.set_title("of another process")
    reporter.close()
    assert [each.title for each in page.writes][-1] == "last"


def test_steps_are_written_when_they_change(page: Page) -> None:
    reporter = Reporter(page.write, [], None, interval=TIMEOUT, steps=["Read", "Fit"])
    read = reporter.steps.begin("Read", None, time.monotonic())
    reporter.steps.end(read, time.monotonic(), has_failed=False)
    reporter.close()
    steps = [report.steps for report in page.writes if report.steps][-1]
    assert [step[0] for step in steps] == ["Read", "Fit"]
    assert [step[2] for step in steps] == ["done", "to_come"]
    with mock.patch.object(os, "getpid", return_value=os.getpid() + 1):
        reporter.steps.begin("of another process", None, time.monotonic())
    reporter.log("text", 20, 1.0)
    reporter.close()
    assert page.writes[-1].steps is None
