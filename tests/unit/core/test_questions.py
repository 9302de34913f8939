"""Questions of jobs: what may be asked, and which answers count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dash_long_components.core import answers, reading
from dash_long_components.core.answers import answered
from dash_long_components.core.job_errors import JobError
from dash_long_components.core.questions import Asked, Question
from dash_long_components.core.records import Record
from dash_long_components.core.reports import Report
from dash_long_components.core.requesters import Requester
from dash_long_components.core.retries import Retries
from dash_long_components.core.status import Status
from dash_long_components.exceptions import JobEndedError, QuestionOverError

NOW = 1000.0


def ask(
    text: object = "Overwrite?",
    choices: Any = ("yes", "no"),
    default: Any = None,
    number: str = "1.1",
) -> Question:
    return Question.make(number, text, choices, default, NOW + 30)


def asking(question: Question | None = None) -> Record:
    record = Record(
        id="job",
        task="app.task",
        code="",
        requesters=(Requester(id="0"), Requester(id="1")),
        retries=Retries(times=1, lost=True),
        created=NOW,
        changed=NOW,
    )
    asked = question or ask()
    return record.start(NOW).report(NOW, Report(question=asked))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"text": " \n"}, "the text of a question, not ' .n'"),
        ({"text": "x" * 501}, "500 characters at most, not 501"),
        ({"choices": []}, r"different texts, not \[\]"),
        ({"choices": "yes"}, "different texts, not 'yes'"),
        ({"choices": ["yes", "yes"]}, "different texts"),
        ({"choices": ["yes", " "]}, "different texts"),
        ({"choices": [1, 2]}, "different texts"),
        ({"choices": [str(n) for n in range(21)]}, "20 choices of 100 characters"),
        ({"choices": ["x" * 101]}, "20 choices of 100 characters"),
        ({"default": "maybe"}, r"ask\(default=...\): .* none of 'yes', 'no'"),
        ({"default": 1}, "An answer is text, not 1"),
        ({"choices": None, "default": "x" * 1001}, "1000 characters at most, not 1001"),
        ({"text": "a\ud800"}, r"The question of ask\(\) can't be encoded in UTF-8"),
        ({"choices": ["a", "\udfff"]}, r"A choice of ask\(\) can't be .* '.udfff' at"),
        ({"choices": None, "default": "\ud800"}, "An answer can't be encoded"),
    ],
)
def test_question_that_no_one_could_answer_is_refused(
    wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ask(**wrong)


def test_page_gets_the_question_with_the_time_that_is_left() -> None:
    record = Record.from_json(asking(ask(default="no")).to_json())
    assert record == asking(ask(default="no"))
    for cursor in (0, 1):  # with all news, also to a page that is loaded again
        snapshot = reading.since(record, cursor, "0").at(NOW + 10)
        assert b'"question":{"id":"1.1","text":"Overwrite?",' in snapshot.to_pieces()[0]
        assert (
            b'"choices":["yes","no"],"default":"no","left":20'
            in (snapshot.to_pieces()[0])
        )
    assert replace(ask(), until=None).at(NOW).left is None


def test_first_answer_counts() -> None:
    record = answered(asking(), "1", "1.1", "yes", NOW + 1)
    assert (record.status, record.asked) == ("running", Asked(answer=("1.1", "yes")))
    assert record.cursor == asking().cursor + 1
    assert answers.answer_in(record, "1.1") == "yes"
    # A page whose request was repeated learns of no fault.
    assert answered(record, "0", "1.1", "yes", NOW + 2) == record
    with pytest.raises(QuestionOverError):
        answered(record, "0", "1.1", "no", NOW + 2)
    closed = answers.closed(record, "1.1", NOW + 3)
    assert answers.answer_in(closed, "1.1") == "yes"


def withdrawn(record: Record) -> Record:
    return record.report(NOW, Report(question=False))


def asked_again(record: Record) -> Record:
    return record.report(NOW, Report(question=ask(number="1.2")))


def closed(record: Record) -> Record:
    return answers.closed(record, "1.1", NOW)


OVER: list[Callable[[Record], Record]] = [
    withdrawn,
    asked_again,
    closed,
    lambda record: record.hand_over(NOW),
    lambda record: record.hand_over(NOW).start(NOW),
    lambda record: record.request_cancel(NOW),
    lambda record: record.end(Status.SUCCEEDED, NOW),
    lambda record: record.end_attempt(
        Status.LOST, NOW, 1.0, JobError(type="Lost", message="", task="app.task"), ()
    ),
    lambda record: record.leave("0", NOW),
]


@pytest.mark.parametrize("change", OVER)
def test_answer_is_refused_when_it_is_over(change: Callable[[Record], Record]) -> None:
    with pytest.raises(QuestionOverError, match="does not wait for this answer"):
        answered(change(asking()), "0", "1.1", "yes", NOW)


def test_only_an_answer_to_the_question_counts() -> None:
    for wrong in ("maybe", ""):
        with pytest.raises(ValueError, match="none of 'yes', 'no'"):
            answered(asking(), "0", "1.1", wrong, NOW)
    text = asking(ask(choices=None))
    with pytest.raises(ValueError, match="1000 characters at most, not 1001"):
        answered(text, "0", "1.1", "x" * 1001, NOW)


def test_text_is_empty_only_if_the_default_is() -> None:
    for default, empty in ((None, ""), ("all", " \n")):
        with pytest.raises(ValueError, match="An answer is not empty"):
            answered(asking(ask("Which?", None, default)), "0", "1.1", empty, NOW)
    record = answered(asking(ask("Which?", None, "")), "0", "1.1", "", NOW)
    assert answers.answer_in(record, "1.1") == ""


def test_cancelled_job_waits_for_no_answer() -> None:
    cancelled = asking().request_cancel(NOW)
    for record in (cancelled, asking().end(Status.LOST, NOW)):
        assert reading.since(record, 0).question is None
        with pytest.raises(JobEndedError):
            answers.answer_in(record, "1.1")


def test_end_of_a_run_forgets_what_was_asked_but_not_that_it_was() -> None:
    record = answered(asking(), "0", "1.1", "yes", NOW)
    assert record.end(Status.SUCCEEDED, NOW).asked == Asked()
    assert record.hand_over(NOW).asked == Asked()
    assert Record(id="", task="", code="", created=NOW, changed=NOW).asked is None
