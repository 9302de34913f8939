"""The answer to a question of a job is beside its record, and the first one counts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dash_long_components.core.ids import Ticket
from dash_long_components.core.questions import Asked, Question
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.retries import Retries
from dash_long_components.core.status import Status
from dash_long_components.exceptions import JobEndedError, QuestionOverError
from dash_long_components.managers.celery.documents.ends import answer_key
from dash_long_components.managers.celery.documents.job_state import End
from dash_long_components.managers.celery.execution import Execution
from dash_long_components.managers.celery.supervision import pool_jobs
from tests.unit.managers.celery.made import Shop

TICKET = Ticket(job="job", requester="0")


class Asking:
    """A job that a worker runs, and that asks."""

    def __init__(self, folder: Path) -> None:
        self.shop = Shop(folder, Retries(times=3, lost=True))
        self.store = self.shop.store
        self.worker = self.start()
        self.ask("1.1")

    def start(self) -> Execution:
        """Start the next run of the job."""
        live = self.shop.start()
        return Execution(self.shop.runs, None, live)  # type: ignore[arg-type]

    def ask(self, question: str) -> None:
        ask(self.worker, question)

    @property
    def record(self) -> Record:
        return self.store.read("job")

    def answer(self, text: str, question: str = "1.1") -> None:
        self.store.answers.answer(self.record, TICKET, question, text)

    def end(self, record: Record) -> None:
        self.shop.runs.change(self.worker._live, record)

    def hand_over(self) -> Execution:
        """Let the worker stop, and start the next run in another one."""
        self.end(self.worker._live.record.hand_over(time.time()))
        return self.start()

    @property
    def document(self) -> str | None:
        return self.store.documents.read(answer_key("job"))


@pytest.fixture
def asking(tmp_path: Path) -> Asking:
    return Asking(tmp_path / "backend")


def ask(worker: Execution, question: str) -> None:
    worker._report(
        Report(question=Question.make(question, "Go on?", ["yes", "no"], None, None))
    )


def test_worker_gets_the_first_answer(asking: Asking) -> None:
    assert asking.worker.look("1.1") == (None, False)
    asking.answer("yes")
    # The question shows until the worker takes the answer.
    with pytest.raises(QuestionOverError):
        asking.answer("no")
    assert asking.worker.look("1.1") == ("yes", False)
    asking.worker._report(Report(question=False))
    # The browser repeats a request whose response was lost.
    asking.answer("yes")
    with pytest.raises(QuestionOverError):
        asking.answer("no")
    assert asking.worker.close("1.1") == "yes"


def test_late_answer_is_refused_and_leaves_the_next_one_alone(asking: Asking) -> None:
    before = asking.record
    assert asking.worker.close("1.1") is None
    with pytest.raises(QuestionOverError):
        asking.answer("yes")
    asking.ask("1.2")
    asking.answer("no", "1.2")
    # A server that has read the job before asks the document again.
    for answer in ("yes", "no"):
        with pytest.raises(QuestionOverError):
            asking.store.answers.answer(before, TICKET, "1.1", answer)
    assert asking.worker.look("1.2").answer == "no"


def test_next_run_gets_no_answer_to_an_earlier_one(asking: Asking) -> None:
    asking.answer("yes")
    following = asking.hand_over()
    assert following._live.record.asked == Asked()
    ask(following, "2.1")
    assert following.look("2.1").answer is None
    with pytest.raises(QuestionOverError):
        asking.answer("yes", "1.1")
    asking.answer("no", "2.1")
    assert following.look("2.1").answer == "no"


ASK: list[Callable[[Execution], object]] = [
    lambda worker: worker.look("1.1"),
    lambda worker: worker.close("1.1"),
    lambda worker: ask(worker, "1.2"),
]


@pytest.mark.parametrize("do", ASK)
def test_run_that_was_cut_off_waits_no_more(
    asking: Asking, do: Callable[[Execution], object]
) -> None:
    following = asking.hand_over()
    ask(following, "2.1")
    with pytest.raises(JobEndedError):
        do(asking.worker)
    asking.answer("yes", "2.1")
    assert following.look("2.1").answer == "yes"


@pytest.mark.parametrize("do", ASK)
def test_cancelled_job_waits_no_more(
    asking: Asking, do: Callable[[Execution], object]
) -> None:
    before = asking.record
    asking.store.cancel("job")
    with pytest.raises(JobEndedError):
        do(asking.worker)
    # Neither a worker nor a server that has read the job before leaves anything behind.
    with pytest.raises(QuestionOverError):
        asking.store.answers.answer(before, TICKET, "1.1", "yes")
    assert asking.document is None


def test_killed_worker_leaves_no_answer(asking: Asking) -> None:
    # Before it has written in the record of the job that it asks.
    live = asking.worker._live
    silent = replace(live, record=replace(live.record, asked=None))
    asking.store.ends.decide("job", End(status=Status.LOST, at=1.0, live=silent))
    assert asking.document is None


def test_end_forgets_the_answer(asking: Asking) -> None:
    asking.answer("yes")
    asking.end(asking.worker._live.record.end(Status.SUCCEEDED, time.time()))
    assert not asking.document


def test_job_learns_that_its_worker_stops(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_jobs, "is_stopping", lambda: True)
    assert asking.worker.look("1.1") == (None, True)
