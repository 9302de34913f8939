"""The code of a job finds its current job; other code does not."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any
from unittest import mock

import pytest

from dash_long_components import CurrentJob, current_job
from dash_long_components.core.bars import Bars
from dash_long_components.exceptions import JobCancelled, NoCurrentJobError
from dash_long_components.running import current
from tests.unit.fakes import JOB


def test_code_outside_of_a_job_has_no_current_job() -> None:
    with pytest.raises(NoCurrentJobError, match="in the function of a long callback"):
        current_job()


def test_code_has_a_current_job_until_the_job_ends() -> None:
    with current.entered(JOB):
        assert current_job() is JOB
    with pytest.raises(NoCurrentJobError):
        current_job()


def test_inner_job_hides_the_outer() -> None:
    inner = CurrentJob("inner", "module.task")
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
        self.job = CurrentJob("job", "module.task", self.look)
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
    job = CurrentJob("job", "module.task")
    seen = [(item, job.bars.to_json()) for item in job.track("abc", text="letters")]
    assert seen == [(c, [[n, 3, "letters"]]) for n, c in enumerate("abc")]
    assert job.bars.to_json() == [[3, 3, "letters"]]


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
    job = CurrentJob("job", "module.task")
    count = len(list(job.track(iterable, total)))
    assert job.bars.to_json() == [[count, shown, None]]


def test_loops_in_loops_have_bars_of_their_own() -> None:
    job = CurrentJob("job", "module.task")
    for outer in job.track(range(2)):
        for inner in job.track(range(3)):
            assert job.bars.to_json() == [[outer, 2, None], [inner, 3, None]]
        for _ in job.track(range(3)):
            break
        assert job.bars.to_json() == [[outer, 2, None]]


def test_loop_that_raises_closes_its_bar() -> None:
    job = CurrentJob("job", "module.task")
    outer = job.track(range(2))
    next(outer)

    def loop() -> None:
        for _ in job.track(range(3)):
            raise KeyError

    with pytest.raises(KeyError):
        loop()
    assert job.bars.to_json() == [[0, 2, None]]


@pytest.mark.parametrize(
    "options", [{"total": "3"}, {"total": True}, {"text": 5}, {"total": [3]}]
)
def test_wrong_total_or_text_is_refused_at_once(options: Any) -> None:
    with pytest.raises(TypeError, match=r"track\(\) takes"):
        CurrentJob("job", "module.task").track([1], **options)
    with pytest.raises(ValueError, match=r"track\(\) takes"):
        CurrentJob("job", "module.task").track([1], total=float("inf"))


def test_cancelled_job_ends_at_the_next_item() -> None:
    def check() -> None:
        raise JobCancelled

    job = CurrentJob("job", "module.task")
    job.report_to(Bars(lambda: None, check), print, print)
    done: list[int] = []

    def loop() -> None:
        done.extend(job.track(range(3)))

    with pytest.raises(JobCancelled):
        loop()
    assert len(done) == 1


def test_any_object_can_be_logged() -> None:
    lines: list[str] = []
    job = CurrentJob("job", "module.task")
    job.log("no one reads it")
    job.report_to(Bars(lambda: None), lines.append, print)
    job.log("text")
    job.log(3)
    assert lines == ["text", "3"]


def test_title_of_a_job_is_sent_when_it_changes() -> None:
    titles: list[str] = []
    job = CurrentJob("job", "module.task")
    job.title = "no one sees it"
    job.report_to(Bars(lambda: None), print, titles.append, "data.csv")
    assert job.title == "data.csv"
    job.title = "data.csv"
    job.title = " more\n data.csv"
    assert job.title == "more data.csv"
    job.title = None
    job.title = 3
    assert titles == ["more data.csv", "", "3"]
