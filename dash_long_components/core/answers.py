"""Which answers to the questions of a job count.

Everything here is pure: no clock, no store, no process.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple, Protocol

from ..exceptions import JobEndedError, QuestionOverError
from .questions import Asked, Question
from .records import Record
from .status import Status


class Look(NamedTuple):
    """What a job sees while it waits for an answer.

    Attributes:
        answer: to its question; None as long as there is none.
        must_stop: its worker stops, so the job has to go on with another one.
    """

    answer: str | None
    must_stop: bool


class Answers(Protocol):
    """Where the answers to the questions of a running job are stored."""

    def look(self, question: str) -> Look:
        """Look for the answer to a question.

        Args:
            question: its id.

        Raises:
            JobEndedError: the job is cancelled, or the run has ended.
        """

    def close(self, question: str) -> str | None:
        """Accept no answer any more. Return the one that was in time, or None. Atomic.

        Args:
            question: its id.

        Raises:
            JobEndedError: the job is cancelled, or the run has ended.
        """


def question_of(record: Record) -> Question | None:
    """Return what a job asks; None if it waits for no answer."""
    if record.asked is None or not record.is_live or record.cancel_requested:
        return None
    return record.asked.question


def check(record: Record, requester: str, question: str, answer: object) -> None:
    """Check that a requester may answer a question of a job now.

    Each of its requesters may, as long as it has not cancelled.

    Raises:
        QuestionOverError: the job does not wait for this answer, or not from this
            requester.
        ValueError: the answer is none to this question.
    """
    asked = question_of(record)
    if asked is None or asked.id != question or not record.is_awaited_by(requester):
        raise over(record.id)
    asked.check(answer)


def answered(
    record: Record, requester: str, question: str, answer: str, now: float
) -> Record:
    """Return the record of a job after an answer. The first answer counts. Idempotent.

    Raises:
        QuestionOverError: as for ``check``.
        ValueError: as for ``check``.
    """
    is_repeated = record.asked and record.asked.answer == (question, answer)
    if is_repeated and record.is_awaited_by(requester):
        return record
    check(record, requester, question, answer)
    return _closed(record, question, answer, now)


def closed(record: Record, question: str, now: float) -> Record:
    """Return the record of a job that waits no longer for an answer.

    An answer that it has got stays.

    Raises:
        JobEndedError: the job is cancelled or has ended.
    """
    if answer_in(record, question) is not None:
        return record
    return _closed(record, question, None, now)


def answer_in(record: Record, question: str) -> str | None:
    """Return the answer to a question of a job; None if there is none.

    Raises:
        JobEndedError: the job is cancelled or has ended.
    """
    if record.status is not Status.RUNNING or record.cancel_requested:
        raise JobEndedError(f"Job {record.id} waits for no answer any more.")
    closed_last, answer = (record.asked and record.asked.answer) or (None, None)
    return answer if closed_last == question else None


def over(job_id: str) -> QuestionOverError:
    """Return the error of an answer that comes too late."""
    return QuestionOverError(
        f"Job {job_id} does not wait for this answer: it has another one, its time is "
        "over, or the job has ended."
    )


def _closed(record: Record, question: str, answer: str | None, now: float) -> Record:
    asked = Asked(answer=(question, answer))
    return replace(record, cursor=record.cursor + 1, changed=now, asked=asked)
