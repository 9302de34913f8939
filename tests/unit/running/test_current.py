"""The code of a job finds its current job; other code does not."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import pytest

from dash_long_components import current_job
from dash_long_components.exceptions import JobCancelled, NoCurrentJobError
from dash_long_components.running import current
from tests.unit.fakes import JOB, Reported, job_of


def test_code_outside_of_a_job_has_no_current_job() -> None:
    with pytest.raises(NoCurrentJobError, match="in the function of a long callback"):
        current_job()


def test_code_has_a_current_job_until_the_job_ends() -> None:
    with current.entered(JOB):
        assert current_job() is JOB
    with pytest.raises(NoCurrentJobError):
        current_job()


def test_inner_job_hides_the_outer() -> None:
    inner = job_of("inner")
    with current.entered(JOB):
        with current.entered(inner):
            assert current_job() is inner
        assert current_job() is JOB


def test_thread_in_a_copy_of_the_context_has_it_too() -> None:
    found: list[Any] = []
    with current.entered(JOB):
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(lambda: found.append(current_job()),)
        )
        thread.start()
        thread.join()
        found.append(asyncio.run(asyncio.to_thread(current_job)))
    assert found == [JOB, JOB]


class Looks:
    """Counts the reads."""

    def __init__(self, *answers: bool | Exception) -> None:
        self.look = mock.Mock(side_effect=answers)
        self.job = job_of("job", self.look)
        self.now = 1000.0

    def cancelled(self, seconds: float = 0) -> bool:
        self.now += seconds
        with mock.patch("time.monotonic", return_value=self.now):
            return self.job.cancelled


def test_tight_loop_reads_the_store_a_few_times_a_second() -> None:
    looks = Looks(*[False] * 10)
    for _ in range(1000):
        assert not looks.cancelled(0.001)
    assert looks.look.call_count == 1 / current.FRESH


def test_cancel_is_seen_soon_and_stays() -> None:
    looks = Looks(False, True)
    assert not looks.cancelled()
    assert not looks.cancelled(current.FRESH / 2)
    assert looks.cancelled(current.FRESH / 2)
    assert looks.cancelled(100)
    assert looks.look.call_count == 2


def test_store_that_does_not_respond_is_no_cancel() -> None:
    looks = Looks(OSError(), True)
    assert not looks.cancelled()
    assert looks.cancelled(current.FRESH)


def test_loop_is_tracked_by_a_bar() -> None:
    job = job_of()
    seen = [(item, job.bars.to_wire()) for item in job.track("abc", text="letters")]
    assert seen == [(c, [[n, 3, "letters"]]) for n, c in enumerate("abc")]
    assert job.bars.to_wire() == [[3, 3, "letters"]]


@pytest.mark.parametrize(
    ("iterable", "total", "shown"),
    [
        ([1, 2], None, 2),
        ([], None, 0),
        (iter([1, 2]), None, 2),
        ((n for n in range(2)), None, None),
        ((n for n in range(2)), 2, 2),
        ([1, 2], 10, 10),
    ],
)
def test_total_is_the_length_if_there_is_one(
    iterable: Any, total: Any, shown: Any
) -> None:
    job = job_of()
    count = len(list(job.track(iterable, total)))
    assert job.bars.to_wire() == [[count, shown, None]]


def test_loops_in_loops_have_bars_of_their_own() -> None:
    job = job_of()
    for outer in job.track(range(2)):
        for inner in job.track(range(3)):
            assert job.bars.to_wire() == [[outer, 2, None], [inner, 3, None]]
        for _ in job.track(range(3)):
            break
        assert job.bars.to_wire() == [[outer, 2, None]]


def test_loop_that_raises_closes_its_bar() -> None:
    job = job_of()
    outer = job.track(range(2))
    next(outer)

    def loop() -> None:
        for _ in job.track(range(3)):
            raise KeyError

    with pytest.raises(KeyError):
        loop()
    assert job.bars.to_wire() == [[0, 2, None]]


@pytest.mark.parametrize(
    "options", [{"total": "3"}, {"total": True}, {"text": 5}, {"total": [3]}]
)
def test_wrong_total_or_text_is_refused_at_once(options: Any) -> None:
    with pytest.raises(TypeError, match=r"track\(\) takes"):
        job_of().track([1], **options)
    with pytest.raises(ValueError, match=r"track\(\) takes"):
        job_of().track([1], total=float("inf"))


def test_cancelled_job_ends_at_the_next_item() -> None:
    def check() -> None:
        raise JobCancelled

    job = job_of()
    job.report_to(Reported(check))
    done: list[int] = []

    def loop() -> None:
        done.extend(job.track(range(3)))

    with pytest.raises(JobCancelled):
        loop()
    assert len(done) == 1


def test_any_object_can_be_logged() -> None:
    reported = Reported()
    job = job_of()
    job.log("no one reads it")
    job.report_to(reported)
    before = time.time()
    job.log("text")
    job.log(3, logging.WARNING)
    assert [line[:2] for line in reported.lines] == [("text", 20), ("3", 30)]
    assert all(before <= at <= time.time() for *_line, at in reported.lines)


def test_title_of_a_job_is_sent_when_it_changes() -> None:
    reported = Reported()
    job = job_of()
    job.title = "no one sees it"
    job.report_to(reported, "data.csv")
    assert job.title == "data.csv"
    job.title = "data.csv"
    job.title = " more\n data.csv"
    assert job.title == "more data.csv"
    job.title = None
    job.title = 3
    assert reported.titles == ["more data.csv", "", "3"]


class Stepping:
    """A job, and what a page shows of its steps."""

    def __init__(self, check: Callable[[], None] = lambda: None) -> None:
        self.job = job_of()
        self.reported = Reported(check)
        self.job.report_to(self.reported)

    def statuses(self) -> list[tuple[str, int, str]]:
        steps = self.reported.steps.to_wire()
        return [(name, depth, status) for name, depth, status, *_ in steps]


def test_step_is_in_the_steps_around_it() -> None:
    page = Stepping()
    with page.job.step("Read"):
        with page.job.step(" Parse\n rows "):
            shown = [("Read", 0, "running"), ("Parse rows", 1, "running")]
            assert page.statuses() == shown
        with page.job.step("Check"):
            pass
    with page.job.step("Fit"):
        assert page.statuses() == [
            ("Read", 0, "done"),
            ("Parse rows", 1, "done"),
            ("Check", 1, "done"),
            ("Fit", 0, "running"),
        ]


def test_step_that_raises_has_failed_and_so_have_those_around_it() -> None:
    page = Stepping()
    with pytest.raises(ZeroDivisionError), page.job.step("Fit"), page.job.step("Fold"):
        raise ZeroDivisionError
    assert page.statuses() == [("Fit", 0, "failed"), ("Fold", 1, "failed")]
    # The next step is no longer in them.
    with page.job.step("Fit"):
        pass
    assert page.statuses() == [("Fit", 0, "done"), ("Fold", 1, "failed")]


@pytest.mark.parametrize("name", ["", " \n", None])
def test_step_needs_a_name(name: object) -> None:
    page = Stepping()
    with (
        pytest.raises(ValueError, match="takes the name of a step"),
        page.job.step(name),
    ):
        pass
    assert page.statuses() == []


def test_cancelled_job_begins_no_step() -> None:
    def check() -> None:
        raise JobCancelled

    page = Stepping(check)
    with pytest.raises(JobCancelled), page.job.step("Fit"):
        raise AssertionError
    assert page.statuses() == []


def test_step_that_a_cancel_ends_stays_open() -> None:
    page = Stepping()
    with pytest.raises(JobCancelled), page.job.step("Fit"):
        raise JobCancelled
    assert page.statuses() == [("Fit", 0, "running")]


def test_steps_of_threads_and_generators_are_in_the_right_step() -> None:
    page = Stepping()

    def rows() -> Generator[int, None, None]:
        with page.job.step("Rows"):
            yield from range(3)

    with page.job.step("Read"):
        context = contextvars.copy_context()
        with ThreadPoolExecutor(1) as pool:
            iterator = rows()
            pool.submit(context.run, next, iterator).result()
            iterator.close()
            with page.job.step("Other"):
                assert page.statuses() == [
                    ("Read", 0, "running"),
                    ("Rows", 1, "done"),
                    ("Other", 1, "running"),
                ]


def test_step_of_a_job_in_a_job_is_an_outermost_one() -> None:
    outer, inner = Stepping(), Stepping()
    with outer.job.step("Run another job"), inner.job.step("Fit"):
        assert inner.statuses() == [("Fit", 0, "running")]
        assert outer.statuses() == [("Run another job", 0, "running")]
