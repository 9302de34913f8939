"""A running job asks people, and waits for the answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dash_long_components.core.answers import Look
from dash_long_components.core.questions import Asked
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.retries import Retries
from dash_long_components.exceptions import (
    JobCancelled,
    JobEndedError,
    JobHandedOver,
    NoAnswerError,
)
from dash_long_components.running.current import CurrentJob
from dash_long_components.running.reporter import Reporter
from tests.unit.fakes import NOW, Reported


class Stored:
    """Has given answers, the first for the first look, and a checkpoint."""

    def __init__(self, *given: str | None, at_close: str | None = None) -> None:
        self.given = [*given]
        self.at_close = at_close
        self.closed: list[str] = []
        self.must_stop = False
        self.checkpoint: str | None = None

    def look(self, question: str) -> Look:
        return Look(self.given.pop(0) if self.given else None, self.must_stop)

    def close(self, question: str) -> str | None:
        self.closed.append(question)
        return self.at_close

    def load(self) -> str | None:
        return self.checkpoint

    def save(self, text: str) -> bool:
        self.checkpoint = text
        return False


def job_with(stored: Any, reported: Any = None, **fields: Any) -> CurrentJob:
    retries = Retries(times=3, lost=True)
    record = Record(id="id", task="task", code="", attempt=2, created=NOW, changed=NOW)
    record = replace(record, **{"retries": retries, **fields})
    job = CurrentJob(record, stored=stored, answers=stored)
    job.report_to(reported or Reported())
    return job


def test_job_shows_its_question_until_it_has_the_answer() -> None:
    reported = Reported()
    job = job_with(Stored(None, None, "yes"), reported)
    assert not job.has_asked
    assert job.ask("Go on?", ["yes", "no"], default="no") == "yes"
    assert job.has_asked
    shown, over = reported.questions
    assert shown is not None
    assert (shown.id, shown.text, shown.choices) == ("2.1", "Go on?", ("yes", "no"))
    assert (shown.default, shown.until) == ("no", None)
    assert over is None


def test_question_is_stored_before_the_job_waits_for_its_answer() -> None:
    events: list[object] = []

    class Watched(Stored):
        def look(self, question: str) -> Look:
            events.append("look")
            return super().look(question)

    def write(report: Report) -> None:
        events.append(report.question and report.question.id)

    reporter = Reporter(write, [], None)
    job = job_with(Watched("yes"), reporter)
    job.ask("Go on?")
    reporter.close()
    assert events == ["2.1", "look", False]


def test_default_is_the_answer_when_the_time_is_over() -> None:
    stored = Stored()
    job = job_with(stored)
    assert job.ask("Go on?", ["yes", "no"], default="no", timeout=0.01) == "no"
    assert stored.closed == ["2.1"]


def test_without_a_default_the_job_gets_a_clear_error() -> None:
    reported = Reported()
    with pytest.raises(NoAnswerError, match=r"^No one answered in 0.01 s: Go on\?$"):
        job_with(Stored(), reported).ask("Go on?", timeout=0.01)
    assert reported.questions[-1] is None


def test_answer_that_comes_with_the_end_of_the_time_counts() -> None:
    job = job_with(Stored(at_close="yes"))
    assert job.ask("Go on?", default="no", timeout=0.01) == "yes"


@pytest.mark.parametrize("error", [JobEndedError("gone"), JobCancelled()])
def test_cancel_ends_the_wait(error: BaseException) -> None:
    class Ended(Stored):
        def look(self, question: str) -> Look:
            raise error

    with pytest.raises(JobCancelled):
        job_with(Ended()).ask("Go on?", default="no")


def test_failed_report_ends_the_wait() -> None:
    def check() -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        job_with(Stored(), Reported(check)).ask("Go on?")


def test_job_stops_with_its_worker_where_another_one_can_go_on() -> None:
    stored, reported = Stored(), Reported()
    job = job_with(stored, reported)
    job.save("half")
    stored.must_stop = True
    with pytest.raises(JobHandedOver):
        job.ask("Go on?")
    assert stored.closed == ["2.1"]
    assert reported.questions[-1] is None
    # The next run has numbers of its own: no answer to this question counts there.
    stored.given, stored.must_stop = ["yes"], False
    reported = Reported()
    job_with(stored, reported, handovers=1).ask("Go on?")
    assert [each and each.id for each in reported.questions] == ["3.1", None]


def test_answer_that_comes_with_the_stop_of_the_worker_counts() -> None:
    stored = Stored(at_close="yes")
    job = job_with(stored)
    job.save("half")
    stored.must_stop = True
    assert job.ask("Go on?") == "yes"


def save_nothing(job: CurrentJob, stored: Stored) -> None:
    pass


def save_with_other_code(job: CurrentJob, stored: Stored) -> None:
    stored.checkpoint = 'other:j"half"'


@pytest.mark.parametrize("save", [save_nothing, save_with_other_code])
def test_job_without_a_checkpoint_waits_on(
    save: Callable[[CurrentJob, Stored], None],
) -> None:
    stored = Stored(None, None, "yes")
    job = job_with(stored)
    save(job, stored)
    stored.must_stop = True
    assert job.ask("Go on?") == "yes"


def test_job_that_may_not_run_again_waits_on() -> None:
    stored = Stored(None, "yes")
    job = job_with(stored, retries=None)
    job.save("half")
    stored.must_stop = True
    assert job.ask("Go on?") == "yes"


def test_job_has_asked_if_an_earlier_run_has() -> None:
    assert job_with(Stored(), asked=Asked()).has_asked


def test_where_no_one_can_answer_the_default_does() -> None:
    assert job_with(None).ask("Go on?", default="no") == "no"
    with pytest.raises(NoAnswerError, match="No one can answer a job that runs inline"):
        job_with(None).ask("Go on?")


def test_wrong_timeout_is_named() -> None:
    with pytest.raises(ValueError, match=r"ask\(timeout=...\) takes seconds"):
        job_with(Stored()).ask("Go on?", timeout=0)


def test_threads_of_a_job_ask_one_after_the_other() -> None:
    reported = Reported()
    job = job_with(Stored(*["yes"] * 4), reported)
    threads = [threading.Thread(target=job.ask, args=("Go on?",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    shown = [each and each.id for each in reported.questions]
    assert shown == ["2.1", None, "2.2", None, "2.3", None, "2.4", None]
